import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Outcome } from '../../../src/domain/outcome.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { Service } from '../../../src/domain/service.ts'
import {
  ACCURACY,
  BASKET,
  CONVERSION,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
  rolloutSpec,
  service,
} from '../../fakes/simulated-service.ts'

/** Labels and events are waited for so long. */
const WINDOW_MS = 4000

const METRICS: readonly MetricSpec[] = [
  ERRORS,
  { ...ERRORS, name: 'no-floor', floor: 0, maxChange: 0.05 },
  { ...LATENCY, quantile: 0.9 },
  { ...RMSE, labelWindowMs: WINDOW_MS },
  { ...RMSE, name: 'mae', kind: 'mae', cap: 4, maxChange: 0.01, labelWindowMs: WINDOW_MS },
  { ...ACCURACY, labelWindowMs: WINDOW_MS },
  { ...CONVERSION, windowMs: WINDOW_MS },
  { ...CONVERSION, name: 'returns', better: 'lower', floor: 0.01, windowMs: WINDOW_MS },
  { ...REVENUE, windowMs: WINDOW_MS },
  { ...BASKET, windowMs: WINDOW_MS, minLabels: 30 },
]

/** What becomes of a request. */
export type Fate = {
  readonly outcome: Outcome
  /** Of a good answer. */
  readonly status: number
  readonly latencyMs: number
  readonly observed: boolean
  readonly prediction: number
  /** In the request, at `/number`. */
  readonly number: number
  /** When its label and its events come, in ms after it, an event's line so much after that; a second label is a duplicate. */
  readonly labels: readonly { readonly after: number; readonly label: number }[]
  readonly events: readonly {
    readonly after: number
    readonly toldAfter: number
    readonly name: string
    readonly id: string
    readonly amount: number
  }[]
}

/** A life that a seed draws. */
export type Case = {
  readonly seed: number
  readonly service: Service
  readonly metrics: readonly MetricSpec[]
  /** Distinct keys; 0 = none. */
  readonly keys: number
  readonly segments: readonly string[]
  readonly gateways: number
  /** From one request to the next. */
  readonly requestMs: number
  /** Seconds after which the gateway stops, or is killed, and another one starts; null = none does. */
  readonly restart: { readonly after: number; readonly isKilled: boolean } | null
  readonly fate: (random: () => number, variant: string, elapsedMs: number) => Fate
  /** For a while the canary has so many times its share, whatever its weight says. */
  readonly skew?: { readonly from: number; readonly to: number; readonly times: number }
  /** An operator resumes a pause after so long. */
  readonly resumesAfterMs?: number
}

export function drawCase(seed: number): Case {
  const random = createRandom(seed * 7919)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const keys = pick([0, 0, 40, 400, 4000])
  const gateways = pick([1, 1, 2])
  const segments = random() < 0.25 ? ['gold', 'other'] : []
  const count = 1 + Math.floor(random() * 3)
  const metrics = METRICS.toSorted(() => random() - 0.5)
    .slice(0, count)
    .map((metric) => (segments.length === 0 ? metric : { ...metric, segments }))
  const steps = [20, 50, 80, 100].map((percent) => ({
    ...{ kind: 'weight' as const, weightBp: percent * 100 },
    ...{ minDurationMs: 4000, minRequests: 30 },
  }))
  const of = service(
    rolloutSpec({ spec: { steps }, analysis: { metrics, warmUpMs: 1000 } }),
    keys > 0,
  )
  const after = gateways === 1 && random() < 0.4 ? 8 + Math.floor(8 * random()) : null
  const restart = after === null ? null : { after, isKilled: random() < 0.5 }
  return {
    ...{ seed, metrics, keys, segments, gateways, restart, requestMs: 25 },
    service: { ...of, observe: { ...of.observe, awaitsEvents: true } },
    fate: drawFates(random),
  }
}

/** What requests of a life meet: the canary is alike, better or worse, and the baseline may have an outage. */
function drawFates(setup: () => number): Case['fate'] {
  const [failing, unlabelled, buying] = [0.12 * setup(), 0.2 * setup(), 0.5 * setup()]
  const times = [1, 1, 0.6, 3][Math.floor(4 * setup())]!
  const outageAt = setup() < 0.3 ? 6000 + 6000 * setup() : Infinity
  return (random, variant, elapsedMs) => {
    const worse = variant === 'canary' ? times : 1
    const isOut =
      variant === 'baseline' &&
      elapsedMs > outageAt &&
      elapsedMs < outageAt + 1500 &&
      random() < 0.4
    const prediction = Math.floor(random() * 10)
    const error = random() < 0.5 ? 0 : Math.round((random() - 0.5) * 20 * worse)
    // Not near the end of the window: which of two gateways hears of it in time would be chance.
    const after = random() < 0.1 ? WINDOW_MS + 4000 * random() + 2000 : 1500 * random()
    const label = { after, label: prediction + error }
    const labels =
      random() < unlabelled * worse
        ? []
        : random() < 0.05
          ? [label, { ...label, label: 0 }]
          : [label]
    const bought = random() < buying / worse ? [1, 2].slice(0, 1 + Math.floor(2 * random())) : []
    return {
      ...{ prediction, labels, number: prediction, observed: random() < 0.95 },
      outcome: isOut ? 'failed' : drawOutcome(random, failing * worse),
      status: random() < 0.03 * worse ? 404 : 200,
      latencyMs: 5 + 200 * worse * random() ** 4 + (random() < 0.002 ? 1000 : 0),
      events: bought.map((n) => ({
        ...{ name: 'purchase', id: `o-${n}`, amount: 12 * random() - 1 },
        after: random() < 0.05 ? WINDOW_MS + 100 : 1500 * random(),
        toldAfter: 500 * random(),
      })),
    }
  }
}

function drawOutcome(random: () => number, failing: number): Outcome {
  const place = random()
  if (place < failing) return 'failed'
  if (place < failing + 0.01) return 'client_closed'
  return place < failing + 0.015 ? 'no_answer' : 'ok'
}
