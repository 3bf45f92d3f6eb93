import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, HypothesisEvidence } from '../domain/evidence.ts'
import {
  isContinuous,
  proofRatio,
  type ContinuousSource,
  type Hypothesis,
  type HypothesisSource,
} from '../domain/hypothesis.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { MetricValue, RatioInterval, SlowShares } from '../domain/verdict.ts'
import type { Growth } from '../statistics/passage.ts'
import { boundBets } from '../statistics/event-evidence.ts'
import { eventGrowths, meanGrowths } from '../statistics/planner.ts'
import {
  correctForDraw,
  eventRatioInterval,
  meanRatioInterval,
} from '../statistics/ratio-interval.ts'
import { poolMoments, type Moments } from '../statistics/moments.ts'
import { linearised } from '../statistics/ratio-bet.ts'
import { scoreMean, scoreValue } from '../statistics/score.ts'

/** What people are shown of a hypothesis, and how long its proof takes. */
export type Figures = {
  readonly baseline: MetricValue
  readonly canary: MetricValue
  /** Of a latency: what is compared beneath its milliseconds. */
  readonly slow?: SlowShares
  /** Null where it cannot be given, or says nothing beyond the draw. Costs a search. */
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
  readonly latency: (side: Side, asked: LatencyQuantile, segment: string | undefined) => MetricValue
  /** Level of the intervals of means, both sides together; absent = 0.05. */
  readonly reportAlpha?: number
}

/** Level of the intervals that are for reading only. */
const REPORT_ALPHA = 0.05

/**
 * Share of both sides' units from which on no ratio of events is shown. It is read from whose the events are, so it
 * varies by √(1/C + 1/B) as the draw does; that of two shares p varies by √(1 − p) of this, a third at 90 %. Where all
 * units of both sides have the event the shares are equal, and the labels say how the coins fell.
 */
const NEARLY_ALL = 0.9

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

/** What a side has of a hypothesis in the current step, in the metric's own unit. */
export function stepValue(
  source: HypothesisSource,
  found: EventEvidence | BetEvidence,
  side: Side,
): MetricValue {
  if (found.kind === 'bet') return meanValue(source as ContinuousSource, found.stepMoments, side)
  return rateValue(found.stepEvents[side], found.stepTrials[side])
}

/** What the proof of no worse bets on. */
export function proofDirection({ better }: Hypothesis): 'above' | 'below' {
  return better === 'lower' ? 'below' : 'above'
}

/** The largest value that is compared, on the scale of the values: that of squares is a square. */
export function capOnScale(source: ContinuousSource, cap: number): number {
  return source.of === 'score' ? scoreValue(source.score, cap) : cap
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
  const rate = (side: Side) => rateValue(events[side], trials[side])
  const { source } = hypothesis
  const read = (side: Side) =>
    source.of === 'latency' ? context.latency(side, source, hypothesis.segment) : rate(side)
  const baselineRate = rate(BASELINE_SIDE).value
  return {
    baseline: read(BASELINE_SIDE),
    canary: read(CANARY_SIDE),
    ...(source.of === 'latency'
      ? { slow: { baseline: baselineRate, canary: rate(CANARY_SIDE).value } }
      : undefined),
    // Of a latency only exceedances are compared: their ratio would be read as one of milliseconds. Without an α nothing is bet.
    ratio: () => {
      const isNone =
        source.of === 'latency' ||
        hypothesis.harm.alpha === 0 ||
        isNearlyAll(rate(BASELINE_SIDE), rate(CANARY_SIDE))
      const interval = isNone ? null : eventRatioInterval(proof, boundBets(hypothesis))
      return interval === null ? null : correctForDraw(interval, proof, trials)
    },
    growths: () =>
      baselineRate === null || hypothesis.proof === null || !isComparable(context.pi)
        ? null
        : eventGrowths({
            ...basis(hypothesis, context),
            floor: hypothesis.proof.floor,
            baselineRate,
            // Beyond a threshold with margin there is less of the canary than of the baseline beyond its own.
            canaryRate:
              source.of === 'latency' || source.of === 'above-cap'
                ? (rate(CANARY_SIDE).value ?? baselineRate)
                : baselineRate,
          }),
  }
}

function meanFigures(
  hypothesis: Hypothesis,
  source: ContinuousSource,
  { strata }: BetEvidence,
  context: FigureContext,
): Figures {
  const pooled = poolMoments(strata)
  const value = (side: Side) => meanValue(source, pooled, side)
  const { n: counts, sum, sumSq } = linearised(pooled)
  const n = counts[BASELINE_SIDE]
  const mean = n === 0 ? 0 : sum[BASELINE_SIDE] / n
  const variance = n === 0 ? 0 : Math.max(0, sumSq[BASELINE_SIDE] / n - mean ** 2)
  return {
    baseline: value(BASELINE_SIDE),
    canary: value(CANARY_SIDE),
    ratio: () =>
      meanRatioInterval(strata.map(linearised), {
        alpha: context.reportAlpha ?? REPORT_ALPHA,
        priorSd: Math.abs(Math.log(proofRatio(hypothesis))),
        root: isSquared(source),
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
            cap: source.cap === null ? null : capOnScale(source, source.cap),
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

function isNearlyAll(...sides: readonly MetricValue[]): boolean {
  return sides.every(({ value }) => value !== null && value >= NEARLY_ALL)
}

function rateValue(events: number, trials: number): MetricValue {
  return trials === 0 ? NO_VALUE : { value: events / trials, n: trials }
}

function meanValue(source: ContinuousSource, moments: Moments, side: Side): MetricValue {
  const { n, sum } = linearised(moments)
  if (n[side] === 0) return NO_VALUE
  const mean = sum[side] / n[side]
  return { value: source.of === 'score' ? scoreMean(source.score, mean) : mean, n: n[side] }
}

function isSquared(source: ContinuousSource): boolean {
  return source.of === 'score' && source.score === 'squared-error'
}

function isComparable(pi: number): boolean {
  return pi > 0 && pi < 1
}
