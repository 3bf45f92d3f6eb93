import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type {
  Better,
  LabelMetricSpec,
  MetricSpec,
  OnFailure,
  ValueMetricSpec,
} from '../domain/rollout-spec.ts'
import type { MetricValue, Verdict } from '../domain/verdict.ts'
import { effectOf } from './hypotheses.ts'

/** Evaluations in a row beyond a limit that fail it. */
export const LIMIT_TICKS = 3

/** Units that a rate, or a total per unit, is read from before its limit is judged. */
const MIN_RATE_SAMPLES = 100

/** The figures of one step, by side, that absolute limits are judged on. */
export type StepValues = {
  readonly failureRate: (side: Side) => MetricValue
  readonly latency: (side: Side, quantile: number) => MetricValue
  /** Of a metric whose values come after the outcome. */
  readonly value: (side: Side, metric: LabelMetricSpec | ValueMetricSpec) => MetricValue
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
  /** The baseline breaks it too: that says nothing about the canary. */
  readonly baselineBeyond: boolean
  readonly tooFew: boolean
}

/** Reads every metric that has an absolute limit. Outside α: a limit is compared, not tested. */
export function readLimits(
  metrics: readonly MetricSpec[],
  values: StepValues,
): readonly LimitReading[] {
  return metrics.flatMap((metric) =>
    metric.max === null && metric.min === null ? [] : [readLimit(metric, values)],
  )
}

/** The counts of evaluations in a row beyond each limit, one evaluation later. */
export function countLimitTicks(
  before: Readonly<Record<string, number>>,
  readings: readonly LimitReading[],
): Record<string, number> {
  return Object.fromEntries(
    readings.map((r) => [r.metric, isBroken(r) ? (before[r.metric] ?? 0) + 1 : 0]),
  )
}

/** The canary is beyond its limit now, and the baseline is not. */
export function isBroken(reading: LimitReading): boolean {
  return reading.canaryBeyond && !reading.baselineBeyond
}

/** The verdict on a metric that has an absolute limit alone. */
export function limitVerdict(reading: LimitReading, ticksBeyond: number): Verdict {
  if (ticksBeyond >= LIMIT_TICKS) return 'failed'
  return reading.tooFew || reading.canaryBeyond ? 'inconclusive' : 'successful'
}

function readLimit(metric: MetricSpec, values: StepValues): LimitReading {
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
  const baseline = read(BASELINE_SIDE)
  const canary = read(CANARY_SIDE)
  const needed = samplesNeeded(metric)
  const { max, min } = metric
  const isBeyond = ({ value, n }: MetricValue) =>
    value !== null &&
    n >= needed &&
    ((max !== null && value > max) || (min !== null && value < min))
  return {
    metric: metric.name,
    kind: metric.kind,
    onFailure: effectOf(metric),
    better: metric.better,
    max,
    min,
    baseline,
    canary,
    canaryBeyond: isBeyond(canary),
    baselineBeyond: isBeyond(baseline) && isBeyond(canary),
    tooFew: canary.n < needed,
  }
}

// A quantile's rank interval needs 4q/(1 − q) samples (Deng et al. 1803.06336): 380 at p99.
function samplesNeeded(metric: MetricSpec): number {
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
