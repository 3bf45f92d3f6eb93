import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec, ThresholdSpec } from '../../../src/domain/rollout-spec.ts'
import { ACCURACY, CONVERSION, ERRORS, LATENCY, RMSE } from '../../fakes/simulated-service.ts'
import { drawCase, type Case } from './cases.ts'

const WINDOW_MS = 1500

const METRICS: readonly MetricSpec[] = [
  { ...ERRORS, maxChange: null, max: 0.1 },
  { ...ERRORS, name: 'more-errors', maxChange: 0.5 },
  { ...LATENCY, maxChange: null, quantile: 0.8, max: 100 },
  { ...LATENCY, name: 'slower', quantile: 0.5, maxChange: 0.2 },
  { ...RMSE, maxChange: null, max: 5, minLabels: 20, labelWindowMs: WINDOW_MS },
  { ...RMSE, name: 'worse', maxChange: 0.1, minLabels: 20, labelWindowMs: WINDOW_MS },
  { ...ACCURACY, min: 0.3, minLabels: 10, labelWindowMs: WINDOW_MS },
  { ...CONVERSION, maxChange: 0.2, min: 0.05, windowMs: WINDOW_MS },
]

/** A life whose measurements are counted, alone or beside evidence. */
export function drawThresholdCase(seed: number): Case {
  const life = drawCase(seed)
  const random = createRandom(seed * 9001)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const terms = (): ThresholdSpec => ({
    intervalMs: pick([1000, 2000, 3000]),
    count: pick([null, null, 2, 4]),
    failureLimit: pick([0, 1, 3, null]),
    inconclusiveLimit: pick([0, 1, 2]),
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: pick([null, null, 2]),
  })
  const drawn = METRICS.toSorted(() => random() - 0.5).slice(0, 1 + Math.floor(random() * 3))
  const metrics = drawn.map((metric): MetricSpec => ({
    ...{ ...metric, threshold: terms() },
    onFailure: pick(['rollback', 'rollback', 'pause', 'warn']),
  }))
  const rollout = life.service.rollout!
  const analysis = { ...rollout.analysis, metrics }
  const { restart } = life
  return {
    ...{ ...life, metrics, segments: [], gateways: 1, requestMs: 12.5 },
    restart: restart && { ...restart, isKilled: false },
    service: { ...life.service, rollout: { ...rollout, analysis } },
  }
}
