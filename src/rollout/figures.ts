import { BASELINE_SIDE, CANARY_SIDE, type Pair, type Side } from '../domain/cohort.ts'
import type {
  BetEvidence,
  EventEvidence,
  HypothesisEvidence,
  MomentStratum,
} from '../domain/evidence.ts'
import {
  isContinuous,
  proofRatio,
  type Hypothesis,
  type ScoreSource,
} from '../domain/hypothesis.ts'
import type { MetricValue, RatioInterval } from '../domain/verdict.ts'
import type { Growth } from '../statistics/passage.ts'
import { eventGrowths, meanGrowths } from '../statistics/planner.ts'
import { eventRatioInterval, meanRatioInterval } from '../statistics/ratio-interval.ts'
import { scoreMean, scoreValue } from '../statistics/score.ts'

/** What people are shown of a hypothesis, and how long its proof takes. */
export type Figures = {
  readonly baseline: MetricValue
  readonly canary: MetricValue
  /** Costs a search. */
  readonly ratio: () => RatioInterval | null
  /** What a unit adds to each bet on the proof, were both sides as the baseline is now; null = not known. */
  readonly growths: () => readonly Growth[] | null
}

/** What figures need beside the evidence. */
export type FigureContext = {
  /** Probability of the canary, and judged units of both sides per second, as they are now. */
  readonly pi: number
  readonly unitsPerSecond: number
  /** A quantile of a side's drawn requests, all or a segment's, in ms, for people to read. */
  readonly latency: (side: Side, quantile: number, segment: string | undefined) => MetricValue
  /** Level of the intervals of means, both sides together; absent = 0.05. */
  readonly reportAlpha?: number
}

/** Level of the intervals that are for reading only. */
const REPORT_ALPHA = 0.05

const NO_VALUE: MetricValue = { value: null, n: 0 }

/** The evidence of one hypothesis in the metric's own unit. */
export function readFigures(
  hypothesis: Hypothesis,
  found: HypothesisEvidence,
  context: FigureContext,
): Figures {
  const { source } = hypothesis
  return isContinuous(source)
    ? meanFigures(hypothesis, source, found as BetEvidence, context)
    : eventFigures(hypothesis, found as EventEvidence, context)
}

/** What the proof of no worse bets on. */
export function proofDirection({ better }: Hypothesis): 'above' | 'below' {
  return better === 'lower' ? 'below' : 'above'
}

/** How long after a request its outcome can still come, in seconds. */
export function windowSeconds({ source }: Hypothesis): number {
  return 'windowMs' in source ? source.windowMs / 1000 : 0
}

function eventFigures(
  hypothesis: Hypothesis,
  { proof, trials, events }: EventEvidence,
  context: FigureContext,
): Figures {
  const rate = (side: Side): MetricValue =>
    trials[side] === 0 ? NO_VALUE : { value: events[side] / trials[side], n: trials[side] }
  const { source } = hypothesis
  const read = (side: Side) =>
    source.of === 'latency'
      ? context.latency(side, source.quantile, hypothesis.segment)
      : rate(side)
  const baselineRate = rate(BASELINE_SIDE).value
  return {
    baseline: read(BASELINE_SIDE),
    canary: read(CANARY_SIDE),
    // Of a latency only exceedances are compared: their ratio would be read as one of milliseconds.
    ratio: () =>
      source.of === 'latency' ? null : eventRatioInterval(proof, hypothesis.harm.alpha),
    growths: () =>
      baselineRate === null || hypothesis.proof === null || !isComparable(context.pi)
        ? null
        : eventGrowths({
            ...basis(hypothesis, context),
            floor: hypothesis.proof.floor,
            baselineRate,
            // Exceedances of the canary at a threshold with margin are rarer than the baseline's.
            canaryRate:
              source.of === 'latency' ? (rate(CANARY_SIDE).value ?? baselineRate) : baselineRate,
          }),
  }
}

function meanFigures(
  hypothesis: Hypothesis,
  source: ScoreSource,
  { strata }: BetEvidence,
  context: FigureContext,
): Figures {
  const { score } = source
  const pooled = pool(strata)
  const value = (side: Side): MetricValue =>
    pooled.n[side] === 0
      ? NO_VALUE
      : { value: scoreMean(score, pooled.sum[side] / pooled.n[side]), n: pooled.n[side] }
  const n = pooled.n[BASELINE_SIDE]
  const mean = n === 0 ? 0 : pooled.sum[BASELINE_SIDE] / n
  const variance = n === 0 ? 0 : Math.max(0, pooled.sumSq[BASELINE_SIDE] / n - mean ** 2)
  return {
    baseline: value(BASELINE_SIDE),
    canary: value(CANARY_SIDE),
    ratio: () =>
      meanRatioInterval(strata, {
        alpha: context.reportAlpha ?? REPORT_ALPHA,
        priorSd: Math.abs(Math.log(proofRatio(hypothesis))),
        root: score === 'squared-error',
      }),
    growths: () =>
      mean === 0 || variance === 0 || hypothesis.proof === null || !isComparable(context.pi)
        ? null
        : meanGrowths({
            ...basis(hypothesis, context),
            baselineMean: mean,
            canaryMean: mean,
            baselineVariance: variance,
            canaryVariance: variance,
            cap: source.cap === null ? null : scoreValue(score, source.cap),
          }),
  }
}

function basis(hypothesis: Hypothesis, context: FigureContext) {
  return {
    direction: proofDirection(hypothesis),
    pi: context.pi,
    ratio: hypothesis.proof!.ratio,
  }
}

function pool(strata: readonly MomentStratum[]): { n: Pair; sum: Pair; sumSq: Pair } {
  const total = { n: [0, 0] as Pair, sum: [0, 0] as Pair, sumSq: [0, 0] as Pair }
  for (const stratum of strata) {
    for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
      total.n[side] += stratum.n[side]
      total.sum[side] += stratum.sum[side]
      total.sumSq[side] += stratum.sumSq[side]
    }
  }
  return total
}

function isComparable(pi: number): boolean {
  return pi > 0 && pi < 1
}
