import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../../src/domain/cohort.ts'
import { KEY_PLACES } from '../../src/domain/key-places.ts'
import { stepPlaces } from '../../src/evaluator/step-shares.ts'
import { StepFigures } from '../../src/metrics/step-figures.ts'
import type { StepValues } from '../../src/rollout/limit-figures.ts'
import { countLimitTicks, LIMIT_TICKS, readLimits } from '../../src/rollout/limits.ts'
import { planFor } from './plan.ts'
import type { Random } from './random.ts'

/** A canary under a `max` of its failures, whose requests come from keys that keep their variant. */
export type LimitedKeys = {
  /** How many keys there are; key i has requests in proportion to (i + 1)^−`skew`, so that 0 is all alike, and 1 Zipf's law. */
  readonly keys: number
  readonly skew: number
  /** Part of the keys on the canary. */
  readonly pi: number
  readonly max: number
  /** The probability that a request of a key fails, drawn once for each key. */
  readonly rate: (random: Random, side: Side) => number
  readonly requestsPerSecond: number
  readonly seconds: number
}

/** Canary requests after which the limit had failed; null = it had not. */
export type LimitFound = {
  /** As it is. */
  readonly byKey: number | null
  /** As it would be with each request for one of its own. */
  readonly byRequest: number | null
}

const LOOK_MS = 2000

/** One step at one weight, looked at every two seconds. */
export function limitedKeys(random: Random, setting: LimitedKeys): LimitFound {
  const { max, pi, rate, requestsPerSecond, seconds } = setting
  const drawKey = keysOf(random, setting)
  const keys = Array.from({ length: setting.keys }, () => {
    const side: Side = random() < pi ? CANARY_SIDE : BASELINE_SIDE
    return { side, place: Math.floor(random() * KEY_PLACES), rate: rate(random, side) }
  })
  const figures = [new StepFigures(true), new StepFigures(true)] as const
  const { metrics } = planFor({ errors: { kind: 'error-rate', max: `${max * 100}%` } }, PLAN)
  const values = valuesOf(figures)
  const { places: _, recentPlaces: __, ...withoutKeys } = values
  const judges = { byKey: values, byRequest: withoutKeys }
  const ticks: Record<keyof LimitFound, Record<string, number>> = { byKey: {}, byRequest: {} }
  const found: Record<keyof LimitFound, number | null> = { byKey: null, byRequest: null }
  for (let ms = 0; ms < 1000 * seconds; ms += LOOK_MS) {
    for (let n = 0; n < (requestsPerSecond * LOOK_MS) / 1000; n++) {
      const key = keys[drawKey()]!
      figures[key.side].add(random() < key.rate ? 'failed' : 'good', null, null, key.place)
    }
    for (const side of figures) side.fade(LOOK_MS)
    for (const judge of ['byKey', 'byRequest'] as const) {
      ticks[judge] = countLimitTicks(ticks[judge], readLimits(metrics, judges[judge]))
      if (ticks[judge]['errors']! >= LIMIT_TICKS) found[judge] ??= figures[CANARY_SIDE].requests
    }
    if (found.byKey !== null && found.byRequest !== null) break
  }
  return found
}

const PLAN = { maxTicks: 1000, weights: [50], keyed: true }

function valuesOf(figures: readonly [StepFigures, StepFigures]): StepValues {
  const of = (side: Side) => figures[side]
  const rateOf = ({ requests, failures }: { requests: number; failures: number }) =>
    requests === 0 ? { value: null, n: 0 } : { value: failures / requests, n: requests }
  return {
    failureRate: (side) => rateOf(of(side)),
    recentFailureRate: (side) => rateOf(of(side).recent),
    latency: () => ({ value: null, n: 0 }),
    value: () => ({ value: null, n: 0 }),
    places: stepPlaces(of, () => [], false),
    recentPlaces: stepPlaces(of, () => [], true),
  }
}

/** Draws the index of the key that asks next. */
function keysOf(random: Random, { keys, skew }: LimitedKeys): () => number {
  let sum = 0
  const reached = Float64Array.from({ length: keys }, (_, key) => (sum += (key + 1) ** -skew))
  return () => {
    const drawn = random() * sum
    let [low, high] = [0, keys - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reached[middle]! < drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}
