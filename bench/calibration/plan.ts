import { parseConfig } from '../../src/config/load.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import type { Service } from '../../src/domain/service.ts'
import { buildExperimentPlan, type ComparisonPlan } from '../../src/rollout/experiment-plan.ts'
import { buildPlan, type RolloutPlan } from '../../src/rollout/plan.ts'

/** Metrics as a configuration has them, by name. */
export type Metrics = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>

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
  /** Segments that requests are told apart by. */
  readonly segments?: readonly string[]
  /** The first step copies every request to the canary. */
  readonly mirrored?: boolean
}

/**
 * The plan of a rollout as serin makes it of a configuration file: hypotheses, margins, floors and the
 * shares of α are its own, not the benchmark's. Throws where the configuration is refused.
 */
export function planFor(metrics: Metrics, options: PlanOptions): RolloutPlan {
  const minDuration = `${options.minTicks ?? 0}s`
  const minRequests = options.minRequests ?? 0
  const steps = [...(options.weights ?? [5]), 100].map((weight) =>
    weight === 100 ? { weight: '100%' } : { weight: `${weight}%`, minDuration, minRequests },
  )
  const mirror = options.mirrored === true ? [{ mirror: '100%', minRequests }] : []
  const service = {
    idempotent: true,
    variants: variantsOf(['canary']),
    ...(options.keyed === true ? { split: KEYED } : {}),
    observe: observing(options.segments),
    rollout: { steps: [...mirror, ...steps], maxDuration: `${options.maxTicks}s` },
    analysis: analysisOf(metrics, options.alpha),
  }
  return buildPlan(read(service), 'calibration')!
}

/**
 * The comparisons of an experiment with challengers at these weights (per cent), as serin makes them of a
 * configuration file. Throws where the configuration is refused.
 */
export function comparisonsFor(
  metrics: Metrics,
  weights: Readonly<Record<string, number>>,
): readonly ComparisonPlan[] {
  const shares = Object.entries(weights).map(([name, weight]) => [name, `${weight}%`])
  const service = {
    variants: variantsOf(Object.keys(weights)),
    split: { weights: Object.fromEntries(shares) },
    observe: observing(),
    analysis: analysisOf(metrics),
  }
  return buildExperimentPlan(read(service), 'calibration')!.comparisons
}

const KEYED = { key: 'header:x-user-id' }

function variantsOf(challengers: readonly string[]) {
  const upstreams = ['http://127.0.0.1:9001']
  const named = ['baseline', ...challengers].map((name) => [name, { version: name, upstreams }])
  return Object.fromEntries(named)
}

function observing(segments?: readonly string[]) {
  const prediction = 'body:/p'
  if (segments === undefined) return { prediction }
  return { prediction, segment: { from: 'header:x-segment', values: segments } }
}

function analysisOf(metrics: Metrics, alpha?: number) {
  const shares = alpha === undefined ? {} : { alpha: { rollback: alpha } }
  return { interval: '1s', warmUp: '0s', ...shares, metrics }
}

function read(service: object): Service {
  const services = { model: { match: { path: '/*' }, ...service } }
  const config = { version: 1, gateway: { listen: '127.0.0.1:0' }, services }
  // JSON is YAML.
  const result = parseConfig(JSON.stringify(config), { file: null, env: {} })
  if (!result.ok) throw new Error(result.problems.map((p) => `${p.path}: ${p.message}`).join('\n'))
  return result.config.services[0]!
}

/** A hypothesis of a plan. Throws where there is none of this name. */
export function hypothesisOf(plan: RolloutPlan, id: string): Hypothesis {
  const found = plan.hypotheses.find((h) => h.id === id)
  if (found === undefined) throw new Error(`no hypothesis is called ${id}`)
  return found
}
