import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { BASKET, CLICKS, CONVERSION, ERRORS, REVENUE, RMSE } from '../../fakes/simulated-service.ts'
import { drawCase, type Case, type Fate } from './cases.ts'

/** Windows of two lengths: what comes between the two counts for the metrics of the longer one alone. */
const [SHORT_MS, LONG_MS] = [2000, 8000]

const LOSS: MetricSpec = {
  ...RMSE,
  name: 'loss',
  kind: 'log-loss',
  cap: 3,
  labelWindowMs: SHORT_MS,
}

const METRICS: readonly MetricSpec[] = [
  { ...CLICKS, windowMs: SHORT_MS },
  { ...CLICKS, name: 'complaints', better: 'lower', cap: 10, maxChange: 0.01, windowMs: LONG_MS },
  LOSS,
  { ...LOSS, name: 'late-loss', maxChange: 0, cap: 2, minLabels: 30, labelWindowMs: LONG_MS },
  { ...CONVERSION, windowMs: SHORT_MS },
  { ...CONVERSION, name: 'late-conversion', windowMs: LONG_MS },
  { ...REVENUE, name: 'late-revenue', windowMs: LONG_MS },
  { ...BASKET, windowMs: SHORT_MS, minLabels: 30 },
  ERRORS,
]

/** Of a life with many values of the baseline, so that caps are learnt in its first seconds. */
const LEARNING: readonly MetricSpec[] = [
  { ...RMSE, cap: null, labelWindowMs: SHORT_MS, minLabels: 30 },
  { ...LOSS, cap: null },
  { ...REVENUE, cap: null, windowMs: SHORT_MS },
  { ...BASKET, better: 'lower', cap: null, windowMs: SHORT_MS },
]

/** A life that is judged by ratios, losses, caps that are learnt and windows of several lengths. */
export function drawKindsCase(seed: number): Case {
  const life = drawCase(seed)
  const random = createRandom(seed * 6007)
  const isLearning = random() < 0.3
  const all = (isLearning ? LEARNING : METRICS).toSorted(() => random() - 0.5)
  const { segments } = life
  const metrics = all
    .slice(0, isLearning ? 2 : 1 + Math.floor(random() * 3))
    .map((metric) => (segments.length === 0 ? metric : { ...metric, segments }))
  const rollout = life.service.rollout!
  // A cap may be known to the cohort alone that a kill loses.
  const restart = life.restart && { ...life.restart, isKilled: false }
  return {
    ...life,
    metrics,
    // One gateway learns a cap from what it hears itself.
    ...(isLearning ? { requestMs: 5, gateways: 1, restart } : undefined),
    keys: isLearning && life.keys > 0 ? 100_000 : life.keys,
    service: {
      ...life.service,
      rollout: { ...rollout, analysis: { ...rollout.analysis, metrics } },
    },
    fate: withCounts(isLearning ? 0.9 : 0, life.fate, random),
  }
}

/** Predictions are probabilities, and users see and click. */
function withCounts(buying: number, fate: Case['fate'], setup: () => number): Case['fate'] {
  const [clicking, views] = [0.6 * setup(), 3 * setup()]
  const times = [1, 1, 0.6, 2][Math.floor(4 * setup())]!
  const growsAt = buying > 0 && setup() < 0.5 ? 13_000 : Infinity
  const unscored = [0, 0, 0.04, 0.1][Math.floor(4 * setup())]!
  return (random, variant, elapsedMs) => {
    const worse = variant === 'canary' ? times : 1
    const drawn = fate(random, variant, elapsedMs)
    const isGrown = elapsedMs > growsAt
    const good = 1 - (isGrown ? 0.6 : 0.4) * random() * worse ** 0.5
    const label = Number(random() < 0.5)
    const shown = random() < unscored ? -1 : label
    const events = (name: string, most: number): Fate['events'] =>
      Array.from({ length: Math.floor(most * random() * 1.5) }, (_, n) => ({
        ...{ name, id: `${name}-${n}`, amount: 1 },
        after: afterOf(random),
        toldAfter: 100 * random(),
      }))
    return {
      ...drawn,
      prediction: label === 1 ? good : 1 - good,
      labels: drawn.labels.map(() => ({ after: afterOf(random), label: shown })),
      events: [
        ...(random() < buying ? sales(random) : drawn.events).map((event) => ({
          ...event,
          amount: event.amount * (isGrown ? 3 : 1),
          after: afterOf(random),
        })),
        ...events('view', views),
        ...events('click', clicking * views * worse),
      ],
    }
  }
}

/** A purchase, or some. */
function sales(random: () => number): Fate['events'] {
  return Array.from({ length: 1 + Math.floor(2 * random() ** 2) }, (_, n) => ({
    ...{ name: 'purchase', id: `o-${n}`, amount: 12 * random() ** 3 - 0.2 },
    ...{ after: 0, toldAfter: 100 * random() },
  }))
}

/** In time for all windows, for the longer ones alone, or for none; not near the end of one, where two gateways may differ. */
function afterOf(random: () => number): number {
  const place = random()
  return place < 0.75 ? 1500 * random() : place < 0.95 ? 5500 + 2000 * random() : 15_000
}
