import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import {
  isProviderMetric,
  type Better,
  type LabelMetricSpec,
  type MetricSpec,
  type OnFailure,
  type ProviderMetricSpec,
  type ValueMetricSpec,
} from '../domain/rollout-spec.ts'
import { NO_VALUE, type LimitReport, type MetricValue, type Verdict } from '../domain/verdict.ts'
import { isBeyondChance, isMeanBeyondChance } from '../statistics/beyond-chance.ts'
import type { LogHistogram } from '../statistics/histogram.ts'
import { scoreMean } from '../statistics/score.ts'
import { isBeyond as isValueBeyond, type Sides } from './compare.ts'
import { capOnScale } from './figures.ts'
import { effectOf } from './hypotheses.ts'
import { sourceOf } from './metric-source.ts'
import type { Spread } from './recent-values.ts'

/** Evaluations in a row beyond a limit that fail it. */
export const LIMIT_TICKS = 3

/**
 * Evaluations in a row that a quantile has to be beyond its limit of late: requests that wait for a moment are slow all at once,
 * and at 100 a second one in which nothing moves is 7 % of those of late, which it takes 20 s to be less than 2 % of.
 */
const LATE_TICKS = 15

/** Units that a rate, or a total per unit, is read from before its limit is judged. */
const MIN_RATE_SAMPLES = 100

/**
 * So unlikely is a figure of late to be beyond a limit by chance: 10⁻³ at each evaluation, of a canary that is at it. It moves
 * with every request, so that looking at it again and again would find it beyond by chance; that of the whole step hardly does.
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
  readonly latency: (side: Side, quantile: number) => MetricValue
  /** Of late: each by its weight; absent = not known. */
  readonly recentLatencies?: (side: Side) => LogHistogram
  /** Of a metric whose values come after the outcome. */
  readonly value: (side: Side, metric: LabelMetricSpec | ValueMetricSpec) => MetricValue
  /** Of late, those that are squares as squares; null = there is none, absent = not known. */
  readonly recentValue?: (side: Side, metric: LabelMetricSpec | ValueMetricSpec) => Spread | null
}

/** How the two sides stand against one metric's absolute limit now. */
export type LimitReading = {
  readonly metric: string
  readonly kind: MetricSpec['kind']
  readonly onFailure: OnFailure
  readonly better: Better
  /** In the metric's unit; null = none on that side. */
  readonly max: number | null
  readonly min: number | null
  readonly baseline: MetricValue
  readonly canary: MetricValue
  readonly canaryBeyond: boolean
  /** Of late alone, and what was of late may be one moment: see `LATE_TICKS`. */
  readonly mustLast?: true
  /** The baseline breaks it too: that says nothing about the canary. */
  readonly baselineBeyond: boolean
  readonly tooFew: boolean
  /** Why the metric could not be read; null = it could. */
  readonly error: string | null
}

/** Whether a metric has an absolute limit that is read at each evaluation; else its measurements are counted. */
export function isLimited(metric: MetricSpec): boolean {
  return metric.threshold === undefined && (metric.max !== null || metric.min !== null)
}

/** Reads the limits of every metric that this gateway measures itself. Outside α: a limit is compared, not tested. */
export function readLimits(
  metrics: readonly MetricSpec[],
  values: StepValues,
): readonly LimitReading[] {
  return metrics.flatMap((metric) =>
    isOwnMetric(metric) && isLimited(metric) ? [readLimit(metric, values)] : [],
  )
}

/**
 * The counts of evaluations in a row beyond each limit that is read, one evaluation later. What cannot be
 * read leaves its count as it is: an outage of a provider neither fails a canary nor acquits it.
 */
export function countLimitTicks(
  before: Readonly<Record<string, number>>,
  readings: readonly LimitReading[],
): Record<string, number> {
  const counted: Record<string, number> = { ...before }
  const count = (name: string, isOneMore: boolean) => {
    if (isOneMore) counted[name] = (before[name] ?? 0) + 1
    else if (name in before) counted[name] = 0
  }
  for (const reading of readings.filter((r) => r.error === null)) {
    const { metric } = reading
    const late = `${metric}/late`
    const mustLast = reading.mustLast === true
    const isBeyond = isBroken(reading)
    count(late, isBeyond && mustLast)
    counted[metric] = 0
    count(metric, isBeyond && (!mustLast || counted[late]! > LATE_TICKS - LIMIT_TICKS))
  }
  return counted
}

/** The canary is beyond its limit now, and the baseline is not. */
export function isBroken(reading: LimitReading): boolean {
  return reading.canaryBeyond && !reading.baselineBeyond
}

/** A limit for people, after so many evaluations in a row beyond it. */
export function limitReport(limit: LimitReading, ticksBeyond: number): LimitReport {
  const { max, min, baselineBeyond, tooFew, baseline, canary } = limit
  // Evaluations between two ticks are not counted, yet a step must not be left in one of them.
  const counted = Math.max(ticksBeyond, isBroken(limit) ? 1 : 0)
  return { max, min, ticksBeyond: counted, baselineBeyond, tooFew, baseline, canary }
}

/** The verdict on a metric that has an absolute limit alone. */
export function limitVerdict(reading: LimitReading, ticksBeyond: number): Verdict {
  if (reading.error !== null) return 'error'
  if (ticksBeyond >= LIMIT_TICKS) return 'failed'
  return reading.tooFew || reading.canaryBeyond ? 'inconclusive' : 'successful'
}

/** Whether breaking it ends or pauses the rollout. */
export function isDecidingLimit(limit: LimitReading | null): boolean {
  return limit !== null && limit.onFailure !== 'warn'
}

function readLimit(metric: OwnMetricSpec, values: StepValues): LimitReading {
  const read = (side: Side): MetricValue => {
    switch (metric.kind) {
      case 'error-rate':
        return values.failureRate(side)
      case 'latency':
        return values.latency(side, metric.quantile)
      default:
        return values.value(side, metric)
    }
  }
  const inStep: Sides = { baseline: read(BASELINE_SIDE), canary: read(CANARY_SIDE) }
  const needed = samplesNeeded(metric)
  const { max, min } = metric
  const isBeyond = ({ value, n }: MetricValue) =>
    value !== null && n >= needed && isValueBeyond(metric, value)
  const ofLate = recentOf(metric, values)
  const isLate =
    ofLate !== null &&
    !isBeyond(inStep.canary) &&
    ofLate.isBeyondChance() &&
    isBeyond(ofLate.read(CANARY_SIDE))
  // The figures that are handed on are those that are beyond it.
  const { baseline, canary } = isLate
    ? { baseline: ofLate.read(BASELINE_SIDE), canary: ofLate.read(CANARY_SIDE) }
    : inStep
  const canaryBeyond = isBeyond(canary)
  const isBaselineBeyond = () =>
    isBeyond(baseline) || (ofLate !== null && isBeyond(ofLate.read(BASELINE_SIDE)))
  return {
    metric: metric.name,
    kind: metric.kind,
    onFailure: effectOf(metric),
    better: metric.better,
    max,
    min,
    baseline,
    canary,
    canaryBeyond,
    ...(isLate && metric.kind === 'latency' ? { mustLast: true as const } : undefined),
    baselineBeyond: canaryBeyond && isBaselineBeyond(),
    tooFew: canary.n < needed,
    error: null,
  }
}

/** A metric as it was of late; read where it matters, since most evaluations find nothing. */
type OfLate = {
  readonly read: (side: Side) => MetricValue
  /** Whether what the canary shows is so much beyond what the limit allows. */
  readonly isBeyondChance: () => boolean
}

/** Null where it is not known of a metric, or nothing is too much of it. */
function recentOf(metric: OwnMetricSpec, values: StepValues): OfLate | null {
  switch (metric.kind) {
    case 'error-rate':
      return recentFailures(metric.max, values)
    case 'latency':
      return recentQuantile(metric.max, metric.quantile, values)
    default:
      return recentMean(metric, values)
  }
}

function recentFailures(max: number | null, { recentFailureRate: rate }: StepValues) {
  if (max === null || rate === undefined) return null
  return {
    read: (side: Side) => rounded(rate(side)),
    isBeyondChance: () => {
      const { value, n } = rate(CANARY_SIDE)
      return isBeyondChance(n, value ?? 0, max, LOG_CHANCE)
    },
  }
}

function recentQuantile(
  max: number | null,
  quantile: number,
  { recentLatencies: all }: StepValues,
): OfLate | null {
  if (max === null || all === undefined) return null
  return {
    read: (side) => {
      const latencies = all(side)
      return rounded({ value: latencies.quantile(quantile), n: latencies.count })
    },
    // A quantile is above the limit where a larger share than 1 − q of the requests is.
    isBeyondChance: () => {
      const latencies = all(CANARY_SIDE)
      return isBeyondChance(latencies.count, latencies.shareAbove(max), 1 - quantile, LOG_CHANCE)
    },
  }
}

function recentMean(
  metric: LabelMetricSpec | ValueMetricSpec,
  { recentValue: spread }: StepValues,
): OfLate | null {
  const { max, min } = metric
  const source = sourceOf(metric)
  // Of a ratio two sums fade, and neither says how sure the ratio is.
  if (spread === undefined || source.of === 'ratio') return null
  const inUnit = (mean: number) => (source.of === 'score' ? scoreMean(source.score, mean) : mean)
  const onScale = (limit: number) =>
    source.of === 'conversion' ? limit : capOnScale(source, limit)
  return {
    read: (side) => {
      const found = spread(side, metric)
      return found === null ? NO_VALUE : rounded({ value: inUnit(found.mean), n: found.n })
    },
    isBeyondChance: () => {
      const found = spread(CANARY_SIDE, metric)
      if (found === null) return false
      const { n, mean, variance } = found
      const over = max === null ? -Infinity : mean - onScale(max)
      const under = min === null ? -Infinity : onScale(min) - mean
      return isMeanBeyondChance(n, Math.max(over, under), variance, LOG_CHANCE)
    },
  }
}

function rounded({ value, n }: MetricValue): MetricValue {
  return { value, n: Math.round(n) }
}

/**
 * Samples of a side that a metric's figure needs to be held against anything. A quantile's rank interval
 * needs 4q/(1 − q) of them (Deng et al. 1803.06336): 380 at p99.
 */
export function samplesNeeded(metric: OwnMetricSpec): number {
  switch (metric.kind) {
    case 'error-rate':
    case 'conversion':
    case 'sum':
    case 'ratio':
      return MIN_RATE_SAMPLES
    case 'latency':
      return Math.ceil(4 / (1 - metric.quantile) - 1e-9)
    default:
      return metric.minLabels
  }
}
