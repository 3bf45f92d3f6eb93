import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { Better, LatencyQuantile, MetricSpec, OnFailure } from '../domain/rollout-spec.ts'
import type { LimitReport, MetricValue, Verdict } from '../domain/verdict.ts'
import { isBeyond as isValueBeyond, type Sides } from './compare.ts'
import { effectOf } from './hypotheses.ts'
import {
  inStepOf,
  isOwnMetric,
  ofLateOf,
  type LimitFigures,
  type OwnMetricSpec,
  type StepValues,
} from './limit-figures.ts'
import { untilOf } from './until-of.ts'

/** Evaluations in a row beyond a limit that fail it. */
export const LIMIT_TICKS = 3

/**
 * Evaluations in a row that a quantile has to be beyond its limit of late: requests that wait for a moment are slow all at once,
 * and at 100 a second one in which nothing moves is 7 % of those of late, which it takes 20 s to be less than 2 % of.
 */
const LATE_TICKS = 15

/** Units that a rate, or a total per unit, is read from before its limit is judged. */
const MIN_RATE_SAMPLES = 100

/** How the two sides stand against one metric's absolute limit now. */
export type LimitReading = {
  readonly metric: string
  readonly kind: MetricSpec['kind']
  /** As of MetricReport. */
  readonly until?: LatencyQuantile['until']
  readonly onFailure: OnFailure
  readonly better: Better
  /** In the metric's unit; null = none on that side. */
  readonly max: number | null
  readonly min: number | null
  readonly baseline: MetricValue
  readonly canary: MetricValue
  readonly canaryBeyond: boolean
  /** It is, and a canary within the limit may be by chance: the step is not left, and nothing fails. */
  readonly byChance: boolean
  /** As how many the canary's requests count there, since they are of few keys or depend on the key; absent = as they are. */
  readonly countsAs?: number
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
    const isBeyond = isBroken(reading) && !reading.byChance
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
  const { max, min, baselineBeyond, byChance, countsAs, tooFew, baseline, canary } = limit
  // Evaluations between two ticks are not counted, yet a step must not be left in one of them.
  const counted = Math.max(ticksBeyond, isBroken(limit) ? 1 : 0)
  return {
    max,
    min,
    ticksBeyond: counted,
    baselineBeyond,
    byChance,
    ...(countsAs !== undefined && { countsAs }),
    tooFew,
    baseline,
    canary,
  }
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
  const needed = samplesNeeded(metric)
  const { max, min } = metric
  const isBeyond = ({ value, n }: MetricValue) =>
    value !== null && n >= needed && isValueBeyond(metric, value)
  const inStep = inStepOf(metric, values)
  const ofLate = ofLateOf(metric, values)
  const sides = sidesOf(inStep)
  const isShown = isBeyond(sides.canary) && inStep.isBeyondChance()
  const isLate =
    ofLate !== null && !isShown && isBeyond(ofLate.read(CANARY_SIDE)) && ofLate.isBeyondChance()
  // The figures that are handed on are those that are beyond it.
  const { baseline, canary } = isLate ? sidesOf(ofLate) : sides
  const canaryBeyond = isBeyond(canary)
  const byChance = canaryBeyond && !isShown && !isLate
  const isBaselineBeyond = () =>
    isBeyond(baseline) || (ofLate !== null && isBeyond(ofLate.read(BASELINE_SIDE)))
  return {
    metric: metric.name,
    kind: metric.kind,
    ...untilOf(metric),
    onFailure: effectOf(metric),
    better: metric.better,
    max,
    min,
    baseline,
    canary,
    canaryBeyond,
    byChance,
    ...(byChance && inStep.countsAs !== undefined && countedAs(inStep.countsAs(), canary.n)),
    ...(isLate && metric.kind === 'latency' ? { mustLast: true as const } : undefined),
    baselineBeyond: canaryBeyond && isBaselineBeyond(),
    tooFew: canary.n < needed,
    error: null,
  }
}

function countedAs(independent: number, n: number): Pick<LimitReading, 'countsAs'> {
  const countsAs = Math.max(1, Math.round(independent))
  return countsAs < n ? { countsAs } : {}
}

function sidesOf({ read }: LimitFigures): Sides {
  return { baseline: read(BASELINE_SIDE), canary: read(CANARY_SIDE) }
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
