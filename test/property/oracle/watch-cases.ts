import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec, StepSpec } from '../../../src/domain/rollout-spec.ts'
import {
  ACCURACY,
  CONVERSION,
  DRIFT,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
} from '../../fakes/simulated-service.ts'
import { drawCase, type Case, type Fate } from './cases.ts'

/** That of ./cases.ts. */
const WINDOW_MS = 4000

/** With margins so wide that a watch is reached within seconds. */
const WIDE: readonly MetricSpec[] = [
  { ...ERRORS, maxChange: 0.2, floor: 0.3 },
  { ...LATENCY, quantile: 0.9, maxChange: 1 },
  { ...RMSE, maxChange: 1, labelWindowMs: WINDOW_MS, minLabels: 20 },
  { ...ACCURACY, maxChange: 0.6, labelWindowMs: WINDOW_MS, minLabels: 20 },
  { ...CONVERSION, maxChange: 0.8, windowMs: WINDOW_MS },
  { ...REVENUE, maxChange: 0.8, windowMs: WINDOW_MS },
]

/** A life with watched numbers, and a watch in which a share is held back; the canary may break before or in it. */
export function drawWatch(seed: number): Case {
  const life = drawCase(seed)
  const random = createRandom(seed * 104_729)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const drifts: readonly MetricSpec[] = [
    { ...DRIFT, name: 'predictions', onFailure: pick(['warn', 'warn', 'pause', 'rollback']) },
    { ...DRIFT, name: 'numbers', of: { pointer: '/number' } },
  ]
  const judged = WIDE.toSorted(() => random() - 0.5).slice(0, pick([1, 1, 2]))
  const metrics = [...judged, ...drifts.slice(0, pick([1, 2, 2]))]
  const steps: readonly StepSpec[] = [30, 60, 100].map((percent) => ({
    ...{ kind: 'weight' as const, weightBp: percent * 100 },
    ...{ minDurationMs: 3000, minRequests: 20 },
  }))
  const rollout = life.service.rollout!
  const watch = { holdbackBp: pick([1000, 2000, 3000]), watchMs: pick([5000, 10_000]) }
  const service = {
    ...life.service,
    rollout: { ...rollout, ...watch, steps, analysis: { ...rollout.analysis, metrics } },
  }
  const [isFine, breaksAt, by] = [random() < 0.6, 14_000 + 8000 * random(), pick([0, 0, 0.5, 2])]
  const fate: Case['fate'] = (draw, variant, elapsedMs) => {
    const drawn = life.fate(draw, variant, elapsedMs)
    const isBroken = !isFine && variant === 'canary' && elapsedMs > breaksAt
    const moved = moveNumbers(drawn, draw, variant === 'canary' ? by : 0, seed % 2 === 0)
    return isBroken ? broken(moved, draw()) : moved
  }
  // Enough of them for bins of what each does first.
  const keys = life.keys === 0 ? 0 : 20_000
  return { ...life, keys, service, metrics, segments: [], requestMs: 5, fate }
}

/** Numbers of classes, or of a scale on which the canary's lie higher. */
function moveNumbers(fate: Fate, random: () => number, by: number, isScale: boolean): Fate {
  const more = isScale ? random() + by : random() < by / 4 ? 1 : 0
  const labels = fate.labels.map((each) => ({ ...each, label: each.label + more }))
  return { ...fate, labels, number: random() ** 2, prediction: fate.prediction + more }
}

function broken(fate: Fate, draw: number): Fate {
  return {
    ...fate,
    outcome: draw < 0.4 ? 'failed' : fate.outcome,
    latencyMs: fate.latencyMs * 4,
    labels: fate.labels.map((each) => ({ ...each, label: each.label + 10 })),
    events: draw < 0.7 ? [] : fate.events,
  }
}
