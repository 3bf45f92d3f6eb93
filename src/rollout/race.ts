import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import { CANARY_SIDE } from '../domain/cohort.ts'
import { capLimits, cappedMeanOf } from '../statistics/above-cap.ts'
import { eventGrowths, meanGrowths } from '../statistics/planner.ts'
import type { Growth, Passage } from '../statistics/passage.ts'
import { MAX_STARTS } from '../statistics/start-mixture.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { expectAboveCap, expectBaseline, expectExceedance, type Traffic } from './traffic.ts'

/** A canary that fails twice as often is the regression that one wants to see. */
const FAILURE_REGRESSION = 1

/** How many margins any other metric has to be worse by. */
const MARGINS = 2

/** The change for the worse that a forecast of harm is about, a fraction of the baseline. `hypothesis` has a proof. */
export function regressionOf(hypothesis: Hypothesis, asked: number | null): number {
  if (asked !== null) return asked
  if (hypothesis.source.of === 'failure') return FAILURE_REGRESSION
  const margin = harmMargin(hypothesis)
  return MARGINS * (margin > 0 ? margin : proofMargin(hypothesis)!)
}

/**
 * The way to seeing a canary that is worse by `regression` from the start of a step on. Evidence that
 * begins with the attempt has half of the stake, that of a later start point its part of the other half.
 */
export function harmPassage(
  hypothesis: Hypothesis,
  pi: number,
  traffic: Traffic,
  step: { readonly regression: number; readonly isFirst: boolean },
): Passage {
  const stake = step.isFirst ? 0.5 : 0.5 / (MAX_STARTS - 1)
  return {
    growths: growthsOf(hypothesis, 'harm', pi, traffic, step.regression),
    before: null,
    goal: -Math.log(hypothesis.harm.alpha * stake),
  }
}

/** What a unit adds to the proof of a canary that is as the baseline; `all`: the hypotheses that it is one of. */
export function proofGrowths(
  hypothesis: Hypothesis,
  all: readonly Hypothesis[],
  pi: number,
  traffic: Traffic,
): readonly Growth[] {
  if (hypothesis.source.of !== 'above-cap') return growthsOf(hypothesis, 'proof', pi, traffic, 0)
  // The canary's values are held against the cap with the margin of what is capped, so fewer of them are above.
  const { metric, proof } = hypothesis
  const main = all.find((h) => h.metric === metric && isContinuous(h.source))!
  const baselineRate = expectBaseline(hypothesis, traffic).mean
  const { proof: times } = capLimits(1, CANARY_SIDE, cappedMeanOf(main))
  const canaryRate = baselineRate * expectAboveCap(main, times)
  const { ratio, floor } = proof!
  return eventGrowths({ direction: 'below', pi, ratio, floor, baselineRate, canaryRate })
}

/** The way to showing a challenger better that is so by `improvement`; `hypothesis` asks for being better at all. */
export function betterPassage(
  hypothesis: Hypothesis,
  pi: number,
  traffic: Traffic,
  improvement: number,
): Passage {
  return {
    growths: growthsOf(hypothesis, 'proof', pi, traffic, -improvement),
    before: null,
    goal: -Math.log(hypothesis.proof!.alpha),
  }
}

/** What was worked out for a forecast, which asks for it by the dozen: for each step, each share and each change that may help. */
const known = new WeakMap<Traffic, Map<string, readonly Growth[]>>()

function growthsOf(
  hypothesis: Hypothesis,
  side: 'harm' | 'proof',
  pi: number,
  traffic: Traffic,
  regression: number,
): readonly Growth[] {
  const { id, source, harm, proof } = hypothesis
  const ofTraffic = known.get(traffic) ?? new Map<string, readonly Growth[]>()
  known.set(traffic, ofTraffic)
  const asked = [id, source, side === 'harm' ? harm.ratio : proof, side, pi, regression]
  const key = JSON.stringify(asked)
  const found = ofTraffic.get(key) ?? workOutGrowths(hypothesis, side, pi, traffic, regression)
  ofTraffic.set(key, found)
  return found
}

function workOutGrowths(
  hypothesis: Hypothesis,
  side: 'harm' | 'proof',
  pi: number,
  traffic: Traffic,
  regression: number,
): readonly Growth[] {
  const { source, better } = hypothesis
  const { ratio } = side === 'harm' ? hypothesis.harm : hypothesis.proof!
  const direction = (better === 'lower') === (side === 'harm') ? 'above' : 'below'
  const { mean, variance, cap } = expectBaseline(hypothesis, traffic)
  const bet = { direction, pi, ratio } as const
  const change = better === 'lower' ? 1 + regression : Math.max(0, 1 - regression)
  if (isContinuous(source)) {
    const score = source.of === 'score' ? source.score : null
    const scale = score === 'squared-error' ? change ** 2 : change
    const canaryMean = Math.min(cap, mean * scale)
    const canaryVariance =
      score === 'correct' ? canaryMean * (cap - canaryMean) : variance * scale ** 2
    const baseline = { baselineMean: mean, baselineVariance: variance }
    return meanGrowths({ ...bet, ...baseline, canaryMean, canaryVariance, cap })
  }
  const floor = side === 'harm' ? 0 : hypothesis.proof!.floor
  // Latencies are compared at thresholds: the canary's is a margin further out than the baseline's.
  const canaryRate =
    source.of === 'latency'
      ? expectExceedance(
          source,
          (1 + (side === 'harm' ? source.harmMargin : source.proofMargin)) / change,
          traffic,
        )
      : Math.min(1, mean * change)
  return eventGrowths({ ...bet, floor, baselineRate: mean, canaryRate })
}
