import { CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { PlaceCount } from '../domain/key-places.ts'
import {
  isProviderMetric,
  type LabelMetricSpec,
  type LatencyQuantile,
  type MetricSpec,
  type ProviderMetricSpec,
  type ValueMetricSpec,
} from '../domain/rollout-spec.ts'
import { NO_VALUE, type MetricValue } from '../domain/verdict.ts'
import { isBeyondChance, isMeanBeyondChance } from '../statistics/beyond-chance.ts'
import type { LogHistogram } from '../statistics/histogram.ts'
import { scoreMean } from '../statistics/score.ts'
import {
  independentTrials,
  logEvidenceAbove,
  type KeyedShare,
} from '../statistics/share-of-keys.ts'
import { capOnScale } from './figures.ts'
import { sourceOf } from './metric-source.ts'
import type { Spread } from './recent-values.ts'
import { untilOf } from './until-of.ts'

/**
 * So unlikely is a figure to be as far beyond a limit by chance: 10⁻³ at each evaluation, of a canary that is at it. Else of
 * those whose failures are at four fifths of what is allowed, every other one would be beyond it within 2,000 requests.
 */
const LOG_CHANCE = Math.log(1e-3)

/** A metric whose value this gateway measures itself. */
export type OwnMetricSpec = Exclude<
  MetricSpec,
  ProviderMetricSpec | { readonly kind: 'drift' | 'disagreement' }
>

/** Whether live requests show a metric's value; of a drift there is none, and pairs show disagreement. */
export function isOwnMetric(metric: MetricSpec): metric is OwnMetricSpec {
  return metric.kind !== 'drift' && metric.kind !== 'disagreement' && !isProviderMetric(metric)
}

/** The figures of one step, by side, that absolute limits are judged on. */
export type StepValues = {
  readonly failureRate: (side: Side) => MetricValue
  /** Of late: each failure by its weight, which fades; absent = not known. */
  readonly recentFailureRate?: (side: Side) => MetricValue
  readonly latency: (side: Side, asked: LatencyQuantile) => MetricValue
  /** What that is read from; absent = not known. */
  readonly latencies?: ReadLatencies
  /** Of late: each by its weight; absent = not known. */
  readonly recentLatencies?: ReadLatencies
  /** Those of the requests that have a key; absent = none is known to have one. */
  readonly places?: ReadPlaces
  /** Of late. */
  readonly recentPlaces?: ReadPlaces
  readonly value: (side: Side, metric: LaterMetricSpec) => MetricValue
  /** How those lie, squares as squares; asked for where there is a value alone. Absent = not known. */
  readonly spread?: ReadSpread
  /** Of late; absent = not known. */
  readonly recentSpread?: ReadSpread
}

type ReadLatencies = (side: Side, asked: LatencyQuantile) => LogHistogram

/** What is slow: longer than that, until its last byte or the first of its body. */
export type SlowLimit = Pick<LatencyQuantile, 'until'> & { readonly limitMs: number }

/** Of one side's requests with a key, by the place of the key: those that failed, or were slow. */
export type ReadPlaces = {
  readonly failed: (side: Side) => readonly PlaceCount[]
  readonly slow: (side: Side, limit: SlowLimit) => readonly PlaceCount[]
}

/** A metric whose values come after the outcome. */
export type LaterMetricSpec = LabelMetricSpec | ValueMetricSpec

/** Null = there is no value. */
type ReadSpread = (side: Side, metric: LaterMetricSpec) => Spread | null

/** A metric as it was in a time; read where it matters, since most evaluations find nothing. */
export type LimitFigures = {
  readonly read: (side: Side) => MetricValue
  /** Whether what the canary shows is so much beyond what the limit allows. */
  readonly isBeyondChance: () => boolean
  /** As how many independent ones the canary's requests count, where its figure is beyond the limit; absent = as they are. */
  readonly countsAs?: () => number
}

/** A metric as it is in the step. Where how sure its figure is is not known, beyond is beyond chance. */
export function inStepOf(metric: OwnMetricSpec, values: StepValues): LimitFigures {
  const { failureRate, latency, latencies, places, value, spread } = values
  const as = (read: LimitFigures['read'], of: LimitFigures | null) => ({
    isBeyondChance: () => true,
    ...of,
    read,
  })
  switch (metric.kind) {
    case 'error-rate':
      return as(failureRate, ratesOf(metric.max, failureRate, places))
    case 'latency':
      return as((side) => latency(side, metric), quantilesOf(metric, latencies, places))
    default:
      return as((side) => value(side, metric), meansOf(metric, spread))
  }
}

/** A metric as it was of late; null where it is not known, or nothing is too much of it. */
export function ofLateOf(metric: OwnMetricSpec, values: StepValues): LimitFigures | null {
  switch (metric.kind) {
    case 'error-rate':
      return ratesOf(metric.max, values.recentFailureRate, values.recentPlaces)
    case 'latency':
      return quantilesOf(metric, values.recentLatencies, values.recentPlaces)
    default:
      return meansOf(metric, values.recentSpread)
  }
}

function ratesOf(
  max: number | null,
  rate: StepValues['recentFailureRate'],
  places: ReadPlaces | undefined,
): LimitFigures | null {
  if (max === null || rate === undefined) return null
  const share = () => {
    const { value, n } = rate(CANARY_SIDE)
    return { trials: n, events: value! * n, byPlace: places?.failed(CANARY_SIDE) ?? [] }
  }
  return { read: (side) => rounded(rate(side)), ...sharesAbove(max, share) }
}

/** How a share stands to the one that is `usual`, its keys seen; read once it is beyond it. */
function sharesAbove(
  usual: number,
  read: () => KeyedShare,
): Required<Pick<LimitFigures, 'isBeyondChance' | 'countsAs'>> {
  return {
    isBeyondChance: () => -logEvidenceAbove(read(), usual) <= LOG_CHANCE,
    countsAs: () => independentTrials(read(), usual),
  }
}

function quantilesOf(
  metric: Extract<MetricSpec, { kind: 'latency' }>,
  all: StepValues['latencies'],
  places: ReadPlaces | undefined,
): LimitFigures | null {
  const { max, quantile } = metric
  if (max === null || all === undefined) return null
  // A quantile is above the limit where a larger share than 1 − q of the requests is.
  const share = () => {
    const latencies = all(CANARY_SIDE, metric)
    return {
      trials: latencies.count,
      events: latencies.count * latencies.shareAbove(max),
      byPlace: places?.slow(CANARY_SIDE, { ...untilOf(metric), limitMs: max }) ?? [],
    }
  }
  return {
    read: (side) => {
      const latencies = all(side, metric)
      return rounded({ value: latencies.quantile(quantile), n: latencies.count })
    },
    ...sharesAbove(1 - quantile, share),
  }
}

function meansOf(metric: LaterMetricSpec, spread: ReadSpread | undefined): LimitFigures | null {
  const source = sourceOf(metric)
  if (spread === undefined) return null
  const { max, min } = metric
  const inUnit = (mean: number) => (source.of === 'score' ? scoreMean(source.score, mean) : mean)
  return {
    read: (side) => {
      const found = spread(side, metric)
      return found === null ? NO_VALUE : rounded({ value: inUnit(found.mean), n: found.n })
    },
    isBeyondChance: () => {
      const { n, mean, variance, size, beyond } = spread(CANARY_SIDE, metric)!
      if (beyond !== undefined) {
        const isBeyond = (limit: number | null, sign: 1 | -1) => {
          if (limit === null) return false
          const found = beyond(limit)
          // An event counts 1 at least.
          const least = sign === 1 ? 0 : rareVariance(found.due, size ?? 1)
          const most = Math.max(found.variance, least)
          return isMeanBeyondChance(n, sign * found.mean, most, LOG_CHANCE)
        }
        return isBeyond(max, 1) || isBeyond(min, -1)
      }
      if (source.of === 'conversion' || (source.of === 'score' && source.score === 'correct')) {
        const isAbove = max !== null && isBeyondChance(n, mean, max, LOG_CHANCE)
        return isAbove || (min !== null && isBeyondChance(n, 1 - mean, 1 - min, LOG_CHANCE))
      }
      if (
        max !== null &&
        isMeanBeyondChance(n, mean - capOnScale(source, max), variance, LOG_CHANCE)
      )
        return true
      if (min === null) return false
      const due = capOnScale(source, min)
      // Of sales that nobody has seen the largest that counts is known, or nothing.
      const least = rareVariance(due, size ?? source.cap ?? Infinity)
      return isMeanBeyondChance(n, due - mean, Math.max(variance, least), LOG_CHANCE)
    },
  }
}

/**
 * The variance of values that are 0 but for some of about that `size`, and whose mean is `due`. Where values are rare, those who
 * have had few of them, or none, vary less than they would at the limit: of 100 units of which one in 200 buys, 61 of 100 have no
 * sale at all, and a variance of 0.
 */
function rareVariance(due: number, size: number): number {
  return due * (size - due)
}

function rounded({ value, n }: MetricValue): MetricValue {
  return { value, n: Math.round(n) }
}
