import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { Service } from '../../../src/domain/service.ts'
import { rolloutSpec, service } from '../../fakes/simulated-service.ts'
import { drawCase, type Case, type Fate } from './cases.ts'

/** A life of a fixed split that a seed draws. */
export type ExperimentCase = Omit<Case, 'metrics'> & {
  readonly metrics: readonly MetricSpec[]
  /** In percent, by challenger; the baseline has the rest. */
  readonly weights: Readonly<Record<string, number>>
  readonly alpha: { readonly rollback: number; readonly promote: number }
}

/** Challengers are alike, better or worse, each in its own way. */
export function drawExperiment(seed: number): ExperimentCase {
  const life = drawCase(seed)
  const random = createRandom(seed * 15_485_863)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const weights = pick<Readonly<Record<string, number>>>([
    { b: 50 },
    { b: 30, c: 30 },
    { b: 40, c: 10 },
    { b: 20, c: 20, d: 30 },
  ])
  const alpha = pick([
    { rollback: 0.05, promote: 0.05 },
    { rollback: 0.02, promote: 0.1 },
  ])
  // A margin within which something can be proved in a life of seconds.
  const wide = random() < 0.5 ? 0.5 : null
  const metrics = life.metrics.map((metric) =>
    wide === null ? metric : { ...metric, maxChange: wide },
  )
  const of: Service = {
    ...service(null, life.keys > 0),
    ...experimentOf(metrics, weights, alpha),
  }
  const worse = Object.fromEntries(Object.keys(weights).map((name) => [name, pick(KINDS)]))
  const fate: Case['fate'] = (draw, variant, elapsedMs) => {
    const kind = worse[variant] ?? 'baseline'
    const drawn = life.fate(draw, kind === 'canary' ? 'canary' : 'baseline', elapsedMs)
    return kind === 'bad' ? spoil(drawn, draw()) : kind === 'good' ? mend(drawn) : drawn
  }
  const { split, observe } = of
  const weightsBp = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, w * 100]))
  return {
    ...{ ...life, metrics, weights, alpha, requestMs: 10, fate },
    service: {
      ...of,
      split: { ...split, weightsBp },
      observe: { ...observe, awaitsEvents: true },
    },
  }
}

const KINDS = ['alike', 'canary', 'bad', 'good'] as const

function experimentOf(
  metrics: readonly MetricSpec[],
  weights: Readonly<Record<string, number>>,
  { rollback, promote }: ExperimentCase['alpha'],
): Pick<Service, 'variants' | 'experiment'> {
  const [baseline] = service(null).variants
  const challengers = Object.keys(weights).map((name) => ({
    ...{ ...baseline!, name, version: name.toUpperCase() },
  }))
  const alphas = { alphaRollback: rollback, alphaPromote: promote }
  const { analysis } = rolloutSpec({ analysis: { metrics, warmUpMs: 1000, ...alphas } })
  return { variants: [baseline!, ...challengers], experiment: analysis }
}

function spoil(fate: Fate, draw: number): Fate {
  const outcome = draw < 0.3 ? 'failed' : draw < 0.4 ? 'client_closed' : fate.outcome
  const labels = fate.labels.map((each) => ({ ...each, label: each.label + 5 }))
  return { ...fate, outcome, latencyMs: 2 * fate.latencyMs, labels, events: [] }
}

function mend(fate: Fate): Fate {
  const labels = fate.labels.map((each) => ({ ...each, label: fate.prediction }))
  return { ...fate, outcome: 'ok', status: 200, latencyMs: fate.latencyMs / 2, labels }
}
