import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import {
  ACCURACY,
  BASKET,
  CLICKS,
  CONVERSION,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
} from '../../fakes/simulated-service.ts'
import { drawCase, type Case } from './cases.ts'

const WINDOW_MS = 2000

/** Limits alone, and beside a margin; the canary of a life may lie on either side of each. */
const METRICS: readonly MetricSpec[] = [
  { ...ERRORS, maxChange: null, max: 0.08 },
  { ...ERRORS, name: 'both', max: 0.15 },
  { ...LATENCY, maxChange: null, quantile: 0.8, max: 150 },
  { ...LATENCY, name: 'median', quantile: 0.5, max: 30, onFailure: 'pause' },
  { ...RMSE, maxChange: null, max: 4.5, minLabels: 30, labelWindowMs: WINDOW_MS },
  { ...ACCURACY, maxChange: null, min: 0.4, minLabels: 50, labelWindowMs: WINDOW_MS },
  { ...CONVERSION, maxChange: null, min: 0.1, windowMs: WINDOW_MS },
  { ...REVENUE, maxChange: null, min: 1, max: 4, windowMs: WINDOW_MS },
  { ...BASKET, min: 4, minLabels: 30, windowMs: WINDOW_MS },
  { ...CLICKS, maxChange: null, max: 0.5, windowMs: WINDOW_MS },
]

/** A life that is held to absolute limits. */
export function drawLimitsCase(seed: number): Case {
  const life = drawCase(seed)
  const random = createRandom(seed * 4001)
  const metrics = METRICS.toSorted(() => random() - 0.5).slice(0, 2 + Math.floor(random() * 2))
  const rollout = life.service.rollout!
  const analysis = { ...rollout.analysis, metrics }
  return {
    ...{ ...life, metrics, segments: [], gateways: 1, requestMs: 12.5 },
    // What a process counts in the seconds in which a killed one is missed is in no archive.
    restart: life.restart && { ...life.restart, isKilled: false },
    service: { ...life.service, rollout: { ...rollout, analysis } },
  }
}
