import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, Evidence } from '../domain/evidence.ts'
import {
  isContinuous,
  type ContinuousSource,
  type Hypothesis,
  type Score,
} from '../domain/hypothesis.ts'
import type { LatencyQuantile, MetricSpec } from '../domain/rollout-spec.ts'
import { formatNumber, formatPercent } from './format.ts'
import { isOfEvent, type GivenRates } from './given-rates.ts'
import { segmentShare, shareOfSegment, type GivenShares } from './segment-share.ts'
import { poolMoments } from '../statistics/moments.ts'
import { linearised } from '../statistics/ratio-bet.ts'
import { capOnScale } from './figures.ts'
import { normalCdf, normalQuantile } from '../statistics/special.ts'
import { scoreMean } from '../statistics/score.ts'

/** What a forecast knows of the traffic. */
export type Traffic = {
  /** Judged units of both sides per second: requests, or new keys where assignment sticks. */
  readonly unitsPerSecond: number
  readonly from: 'given' | 'observed'
  /** The baseline's share of failures, where somebody gave it. */
  readonly errorRate: number | null
  /** Shares of other metrics, where somebody gave them. */
  readonly rates?: GivenRates | undefined
  /** Shares of segments, where somebody gave them. */
  readonly segmentShares?: GivenShares | undefined
  /** What the evidence says so far; null = nothing was judged yet. */
  readonly evidence: Evidence | null
  /** Share of the baseline's latencies above `factor` × its quantile; null = none were seen, or none that end so. */
  readonly exceedance: ((asked: LatencyQuantile, factor: number) => number | null) | null
}

/** How the baseline is expected to be, on one hypothesis. */
export type Expectation = {
  readonly from: 'given' | 'observed' | 'assumed'
  /** Share of units with the event, or the mean of the values that are compared. */
  readonly mean: number
  /** Of the values; of events p(1 − p). */
  readonly variance: number
  /** Largest value; 1 for events. */
  readonly cap: number
}

/** An expectation for people, on the scale of the metric. */
export type BaselineValue = {
  /** Share of events, or the metric; null where only the shape of a distribution matters. */
  readonly value: number | null
  readonly text: string
  readonly from: Expectation['from']
}

/** Failures of a service that nothing is known of. */
const ERROR_RATE = 0.01

/** Any other event of a service that nothing is known of: a conversion, say. */
export const EVENT_RATE = 0.05

/** Caps are learnt as the baseline's 99.9 % quantile, so that this share lies above. */
const ABOVE_CAP_RATE = 0.001

/** Standard deviation of the logarithm of latencies that nothing is known of. */
const LATENCY_SPREAD = 0.5

/** Observations from which what was seen says more than what is assumed. */
const MIN_OBSERVED = 20

/**
 * The baseline as it is given, else as it was seen, else as it is assumed to be: 1 % failures, 5 % of other events, normal
 * errors capped at their 99.9 % quantile, 90 % right answers, exponential values of other kinds. Their scale
 * does not matter.
 */
export function expectBaseline({ id, metric, source }: Hypothesis, traffic: Traffic): Expectation {
  if (source.of === 'failure' && traffic.errorRate !== null)
    return events('given', traffic.errorRate)
  const rate = givenRate(metric, traffic)
  const found = traffic.evidence?.hypotheses[id]
  if (isContinuous(source)) {
    // Of a mean it is the share of units that have a number, which says nothing of the numbers.
    if (rate !== null && source.of !== 'mean')
      return { from: 'given', ...assumedValues(source, rate) }
    const cap = source.cap ?? traffic.evidence?.caps[metric!] ?? null
    const seen = found === undefined ? null : baselineMoments(found as BetEvidence)
    if (seen !== null && cap !== null) {
      return { from: 'observed', ...seen, cap: capOnScale(source, cap) }
    }
    return { from: 'assumed', ...assumedValues(source, null) }
  }
  if (source.of === 'conversion' && rate !== null) return events('given', rate)
  if (source.of === 'latency') {
    return events(traffic.exceedance === null ? 'assumed' : 'observed', 1 - source.quantile)
  }
  if (found?.kind === 'event' && found.trials[BASELINE_SIDE] >= MIN_OBSERVED) {
    return events('observed', found.events[BASELINE_SIDE] / found.trials[BASELINE_SIDE])
  }
  if (source.of === 'above-cap') return events('assumed', ABOVE_CAP_RATE)
  return events('assumed', source.of === 'failure' ? ERROR_RATE : EVENT_RATE)
}

/** Says what `expectBaseline` and `expectExceedance` expect: `1 %`, `0.25`, `normal errors`. */
export function baselineValue(hypothesis: Hypothesis, traffic: Traffic): BaselineValue {
  const { source } = hypothesis
  const { from, mean } = expectBaseline(hypothesis, traffic)
  if (source.of === 'latency') {
    return { value: null, text: from === 'observed' ? 'as its answers' : 'log-normal', from }
  }
  const score = source.of === 'score' ? source.score : null
  // A ratio of which nothing is known is taken for the share of an event.
  if (source.of === 'ratio' && from !== 'observed') {
    return { value: mean, text: `${formatPercent(mean)} of the others, one by each unit`, from }
  }
  const isShare = !isContinuous(source) || score === 'correct'
  if (isShare) return { value: mean, text: formatPercent(mean), from }
  if (from !== 'observed') {
    const { metric } = hypothesis
    const text = shapeOf(source, expectEventRate(metric, traffic))
    return { value: null, text, from: givenRate(metric, traffic) === null ? from : 'given' }
  }
  const value = score === null ? mean : scoreMean(score, mean)
  return { value, text: formatNumber(value), from }
}

/** Share of the units that have an event of a metric: as given, else as assumed. */
export function expectEventRate(metric: string | null, traffic: Traffic): number {
  return givenRate(metric, traffic) ?? EVENT_RATE
}

function givenRate(metric: string | null, { rates }: Traffic): number | null {
  return rates?.get(metric!) ?? null
}

function shapeOf(source: ContinuousSource, eventRate: number): string {
  if (source.of === 'score') {
    return source.score === 'log-loss' ? 'exponential losses' : 'normal errors'
  }
  const units = formatPercent(eventRate)
  if (source.of === 'sum') return `0, or exponential for ${units}`
  return source.of === 'mean' && isOfEvent(source)
    ? `exponential for ${units} of the units`
    : 'exponential values'
}

/** Share of latencies above `factor` × their quantile: as seen, else of a log-normal distribution. */
export function expectExceedance(asked: LatencyQuantile, factor: number, traffic: Traffic): number {
  const seen = traffic.exceedance?.(asked, factor) ?? null
  if (seen !== null) return seen
  return normalCdf(-(normalQuantile(asked.quantile) + Math.log(factor) / LATENCY_SPREAD))
}

/** How many of the values above a cap are above `times` it, were they normal, or exponential where the baseline's are taken for that. */
export function expectAboveCap({ source }: Hypothesis, times: number): number {
  const isNormal = source.of === 'score' && source.score !== 'log-loss'
  if (!isNormal) return ABOVE_CAP_RATE ** (times - 1)
  const cap = normalQuantile(1 - ABOVE_CAP_RATE / 2)
  return (2 * normalCdf(-cap * times)) / ABOVE_CAP_RATE
}

/**
 * Share of the units that a metric among `metrics` has a value of, labels and numbers: as given (of a mean of events), else
 * as seen, else all of them, and those with the event of a mean of events.
 */
export function expectValued(
  { metric }: Hypothesis,
  metrics: readonly MetricSpec[],
  traffic: Traffic,
): number {
  const spec = metrics.find(({ name }) => name === metric)
  const isOfEvents = spec?.kind === 'mean' && isOfEvent(spec)
  const given = isOfEvents ? givenRate(metric, traffic) : null
  if (given !== null) return given
  const found = traffic.evidence?.hypotheses[`${metric}/label-missing`]
  const [trials, events] =
    found?.kind === 'event'
      ? [found.trials, found.events]
      : [
          [0, 0],
          [0, 0],
        ]
  const units = trials[BASELINE_SIDE]! + trials[CANARY_SIDE]!
  const missing = events[BASELINE_SIDE]! + events[CANARY_SIDE]!
  if (units >= MIN_OBSERVED) return 1 - missing / units
  return isOfEvents ? EVENT_RATE : 1
}

/** Share of the units that are of a hypothesis' segment, one of `segments`: as given, else as seen, else see `shareOfSegment`. */
export function expectSegment(
  hypothesis: Hypothesis,
  segments: readonly string[],
  { evidence, segmentShares }: Traffic,
): number {
  const { segment } = hypothesis
  if (segment === undefined) return 1
  const seen = evidence === null ? null : segmentShare(hypothesis, evidence)
  return segmentShares?.[segment] ?? seen ?? shareOfSegment(segment, segments, segmentShares)
}

/** Moments of normal errors (of an exponential loss, for log-loss), capped at their 99.9 % quantile. */
const ASSUMED_VALUES: Readonly<Record<Score, Omit<Expectation, 'from'>>> = {
  'squared-error': { mean: 1, variance: 2, cap: 10.83 },
  'absolute-error': { mean: 0.798, variance: 0.363, cap: 3.29 },
  'log-loss': { mean: 0.3, variance: 0.09, cap: 2.07 },
  correct: { mean: 0.9, variance: 0.09, cap: 1 },
}

/** Values of which nothing is known but that they are not negative, capped at their 99.9 % quantile. */
const EXPONENTIAL = { mean: 1, variance: 1, cap: 6.91 } as const

function events(from: Expectation['from'], rate: number): Expectation {
  return { from, ...shareOf(rate, 1) }
}

function shareOf(rate: number, cap: number): Omit<Expectation, 'from'> {
  return { mean: rate, variance: rate * (1 - rate), cap }
}

function assumedValues(source: ContinuousSource, given: number | null): Omit<Expectation, 'from'> {
  const rate = given ?? EVENT_RATE
  switch (source.of) {
    case 'score':
      return source.score === 'correct' && given !== null
        ? shareOf(given, 1)
        : ASSUMED_VALUES[source.score]
    case 'mean':
      return EXPONENTIAL
    case 'sum': {
      // Exponential for those who have an event, 0 for all others.
      const mean = rate * EXPONENTIAL.mean
      return { mean, variance: 2 * rate - mean ** 2, cap: EXPONENTIAL.cap }
    }
    case 'ratio':
      return shareOf(rate, source.cap)
  }
}

function baselineMoments({ strata }: BetEvidence): { mean: number; variance: number } | null {
  const { n: counts, sum, sumSq } = linearised(poolMoments(strata))
  const n = counts[BASELINE_SIDE]
  if (n < MIN_OBSERVED) return null
  const mean = sum[BASELINE_SIDE] / n
  const variance = sumSq[BASELINE_SIDE] / n - mean ** 2
  return mean > 0 && variance > 0 ? { mean, variance } : null
}
