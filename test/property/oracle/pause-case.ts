import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { ACCURACY, CONVERSION, ERRORS, LATENCY, RMSE } from '../../fakes/simulated-service.ts'
import { drawBreakerCase } from './breaker-case.ts'
import type { Case } from './cases.ts'

const WINDOW_MS = 2000

/** What pauses, and what goes on beside it. */
const METRICS: readonly MetricSpec[] = [
  { ...ERRORS, onFailure: 'pause' },
  { ...LATENCY, quantile: 0.8, maxChange: 0.5, onFailure: 'pause' },
  { ...ACCURACY, labelWindowMs: WINDOW_MS, minLabels: 20 },
  { ...RMSE, maxChange: 0.5, onFailure: 'warn', labelWindowMs: WINDOW_MS, minLabels: 20 },
  { ...CONVERSION, maxChange: 0.9, onFailure: 'pause', windowMs: WINDOW_MS },
]

/** A life that is paused by a guard, a metric, a sick baseline or shares that are not as drawn, and gone on with by an operator. */
export function drawPauseCase(seed: number): Case {
  const life = drawBreakerCase(seed)
  const random = createRandom(seed * 750_019)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const metrics = METRICS.toSorted(() => random() - 0.5).slice(0, 1 + Math.floor(random() * 2))
  const from = pick([0, 5000, 10_000])
  const skew = { from, to: from + pick([4000, 30_000]), times: pick([0.3, 0.5, 1, 1, 1.8]) }
  const rollout = life.service.rollout!
  const analysis = { ...rollout.analysis, metrics }
  return {
    ...{ ...life, metrics, skew, resumesAfterMs: pick([1000, 2500]) },
    // Enough units for a mismatch, and for what labels lack.
    requestMs: pick([5, 5, 12.5]),
    keys: life.keys === 0 ? 0 : 20_000,
    service: { ...life.service, rollout: { ...rollout, analysis } },
  }
}
