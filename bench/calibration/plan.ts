import { parseConfig } from '../../src/config/load.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { buildPlan, type RolloutPlan } from '../../src/rollout/plan.ts'

/** Metrics as a configuration has them, by name. */
export type Metrics = Readonly<Record<string, Readonly<Record<string, string | number>>>>

/** What a simulated rollout is configured with beside its metrics; serin's own defaults otherwise. */
export type PlanOptions = {
  /** Percentages before 100 %. */
  readonly weights?: readonly number[]
  /** Ticks that each step lasts at least; a tick is a second. */
  readonly minTicks?: number
  readonly minRequests?: number
  /** Ticks over which start points are spread. */
  readonly maxTicks: number
  readonly alpha?: number
  readonly keyed?: boolean
}

/**
 * The plan of a rollout as serin makes it of a configuration file: hypotheses, margins, floors and the
 * shares of α are its own, not the benchmark's. Throws where the configuration is refused.
 */
export function planFor(metrics: Metrics, options: PlanOptions): RolloutPlan {
  const upstreams = ['http://127.0.0.1:9001']
  const minDuration = `${options.minTicks ?? 0}s`
  const minRequests = options.minRequests ?? 0
  const steps = [...(options.weights ?? [5]), 100].map((weight) =>
    weight === 100 ? { weight: '100%' } : { weight: `${weight}%`, minDuration, minRequests },
  )
  const config = {
    version: 1,
    gateway: { listen: '127.0.0.1:0' },
    services: {
      model: {
        match: { path: '/*' },
        variants: { baseline: { version: '1', upstreams }, canary: { version: '2', upstreams } },
        ...(options.keyed === true ? { split: { key: 'header:x-user-id' } } : {}),
        observe: { prediction: 'body:/p' },
        rollout: { steps, maxDuration: `${options.maxTicks}s` },
        analysis: {
          interval: '1s',
          warmUp: '0s',
          ...(options.alpha === undefined ? {} : { alpha: { rollback: options.alpha } }),
          metrics,
        },
      },
    },
  }
  // JSON is YAML.
  const result = parseConfig(JSON.stringify(config), { file: null, env: {} })
  if (!result.ok) throw new Error(result.problems.map((p) => `${p.path}: ${p.message}`).join('\n'))
  return buildPlan(result.config.services[0]!, 'calibration')!
}

/** A hypothesis of a plan. Throws where there is none of this name. */
export function hypothesisOf(plan: RolloutPlan, id: string): Hypothesis {
  const found = plan.hypotheses.find((h) => h.id === id)
  if (found === undefined) throw new Error(`no hypothesis is called ${id}`)
  return found
}
