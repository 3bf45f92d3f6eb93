import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import { isLabelMetric, isWaitingMetric } from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { Sides } from '../rollout/compare.ts'
import type { OwnMetricSpec } from '../rollout/limit-figures.ts'
import { scoreOf } from '../rollout/metric-source.ts'
import type { LogHistogram } from '../statistics/histogram.ts'
import { scoreMean } from '../statistics/score.ts'
import { sideBook } from './side-book.ts'

/** Running totals of one side since `origin` began; with another origin they begin anew. */
type Totals = {
  readonly origin: unknown
  readonly n: number
  readonly sum: number
  /** What the sum is divided by: n, or a ratio's denominator. */
  readonly per: number
  readonly latencies: LogHistogram | null
}

/** The totals of both sides where an interval began. */
export type IntervalStart = { readonly at: number; readonly totals: readonly [Totals, Totals] }

/** Where the figures are read from. */
export type FigureSource = {
  readonly book: ServiceBook
  readonly evidence: Evidence
  /** The current step: what is folded of an earlier one is none of its. */
  readonly step: number
}

/** Begins an interval of a metric now. */
export function beginInterval(
  metric: OwnMetricSpec,
  source: FigureSource,
  at: number,
): IntervalStart {
  const of = (side: Side) => {
    const totals = totalsOf(metric, source, side)
    return { ...totals, latencies: totals.latencies?.copy() ?? null }
  }
  return { at, totals: [of(BASELINE_SIDE), of(CANARY_SIDE)] }
}

/** A metric's own figures of both sides since an interval began, in its unit. */
export function readInterval(
  metric: OwnMetricSpec,
  source: FigureSource,
  start: IntervalStart,
): Sides {
  const of = (side: Side) => valueOf(metric, totalsOf(metric, source, side), start.totals[side])
  return { baseline: of(BASELINE_SIDE), canary: of(CANARY_SIDE) }
}

function valueOf(metric: OwnMetricSpec, now: Totals, before: Totals): MetricValue {
  const isSame = now.origin === before.origin
  if (metric.kind === 'latency') {
    const added = isSame ? now.latencies!.since(before.latencies!) : now.latencies!
    const n = added.count
    return { value: added.quantile(metric.quantile), n }
  }
  const n = now.n - (isSame ? before.n : 0)
  const per = now.per - (isSame ? before.per : 0)
  if (n <= 0 || per <= 0) return { value: null, n: 0 }
  const mean = (now.sum - (isSame ? before.sum : 0)) / per
  return { value: isLabelMetric(metric) ? scoreMean(scoreOf(metric).score, mean) : mean, n }
}

function totalsOf(
  metric: OwnMetricSpec,
  { book, evidence, step }: FigureSource,
  side: Side,
): Totals {
  if (isWaitingMetric(metric)) {
    const found = evidence.hypotheses[metric.name] as EventEvidence | BetEvidence
    if (found.step !== step) return { origin: step, n: 0, sum: 0, per: 0, latencies: null }
    if (found.kind === 'event') {
      const n = found.stepTrials[side]
      return { origin: step, n, sum: found.stepEvents[side], per: n, latencies: null }
    }
    const { n, sum, denominator } = found.stepMoments
    const per = (denominator?.sum ?? n)[side]
    return { origin: step, n: n[side], sum: sum[side], per, latencies: null }
  }
  const variant = sideBook(book, side)
  // A margin compares the two variants, so their requests must be alike: rules send those they choose.
  const figures = metric.maxChange === null ? variant.step : variant.drawnInStep
  const { requests, failures } = figures
  const latencies = metric.kind === 'latency' ? figures.timesOf(metric).all : null
  return { origin: figures, n: requests, sum: failures, per: requests, latencies }
}
