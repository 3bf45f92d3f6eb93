import { BASELINE_SIDE, CANARY_SIDE, type Pair } from '../domain/cohort.ts'
import type { EventEvidence, EventStratum } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { logMeanExp } from './log-sum-exp.ts'
import {
  betChanges,
  FALL_CHANGES,
  HARM_GRID,
  harmLogEvidence,
  proofLogEvidence,
} from './label-bet.ts'
import type { BoundBets } from './ratio-interval.ts'

/**
 * Log-evidence for harm at each start point. Where a higher rate is better, harm is a rate below
 * ratio × the baseline's: the bet that proves "less" (the two directions are each other's mirror).
 */
export function eventHarmLogEvidences(
  { harm, better }: Hypothesis,
  byStart: readonly (readonly EventStratum[])[],
): readonly number[] {
  return byStart.map((strata) =>
    better === 'lower'
      ? harmLogEvidence(strata, harm.ratio)
      : proofLogEvidence(strata, harm.ratio, 0, FALL_CHANGES),
  )
}

/** Log-evidence that the canary is no worse; throws where nothing is to be proved. */
export function eventProofLogEvidence(
  { proof, better, id }: Hypothesis,
  strata: readonly EventStratum[],
): number {
  if (proof === null) throw new Error(`nothing is to be proved of ${id}`)
  const { ratio, floor } = proof
  if (better === 'lower') return proofLogEvidence(strata, ratio, floor, betChanges('below', ratio))
  return harmLogEvidence(strata, ratio, betChanges('above', ratio))
}

/**
 * The bets that bound the ratio of a hypothesis on either side: those on harm, at half of its α since half of its stake is on
 * the process since the beginning, and those on the proof within the margin. So a bound of a ratio that does not move leaves the
 * margin out just where the evidence of all cohorts decides, but for a floor, which is no ratio.
 */
export function boundBets({ harm, proof, better }: Hypothesis): {
  readonly up: BoundBets
  readonly down: BoundBets
} {
  const worse = { alpha: harm.alpha / 2, changes: better === 'lower' ? HARM_GRID : FALL_CHANGES }
  const noWorse = {
    alpha: proof?.alpha ?? harm.alpha / 2,
    changes: betChanges(better === 'lower' ? 'below' : 'above', proof?.ratio ?? 1),
  }
  return better === 'lower' ? { up: worse, down: noWorse } : { up: noWorse, down: worse }
}

/**
 * The strata by which a proof stands: all of them, or those without outages of the baseline where these prove less.
 * The smaller of an e-process and of anything else is bounded by it, so that the level of the proof stands; and a
 * baseline that fails for a moment makes no canary look good.
 */
export function provenStrata(
  h: Hypothesis,
  all: readonly EventStratum[],
  calm: readonly EventStratum[] = all,
): readonly EventStratum[] {
  if (calm === all) return all
  return eventProofLogEvidence(h, calm) < eventProofLogEvidence(h, all) ? calm : all
}

/** The same of bets: the log-wealth of all cohorts, or that without outages where it is less. */
export function provenWealth(
  all: readonly number[],
  calm: readonly number[] = all,
): readonly number[] {
  return logMeanExp(calm) < logMeanExp(all) ? calm : all
}

/**
 * What is no matter in the shares of values above the cap (see `capLimits`), where fewer are better: less than half a
 * percentage point between them, which is the floor of their proof. Tails of another shape may have some times as many values
 * above a cap that hardly any is above, within the margin of the metric. Ten times as many, or some where there were none, are
 * another matter: values that are far off. Both are read by two standard errors.
 */
export const ABOVE_CAP_HARM = { apart: 0.005, times: 10 }

/**
 * Whether the shares of units with the event lie as far apart as harm needs beside its evidence, since the start
 * point that tells most: a late difference would be thin beside a long time before it. It can only keep an alarm
 * back, so that the level of the evidence stands.
 */
export function isFarApart(hypothesis: Hypothesis, { harm }: EventEvidence): boolean {
  const { apart } = hypothesis.harm
  // Not asked of the hypothesis: replicas of other versions would not agree on it any more.
  const isGuard = hypothesis.source.of === 'above-cap' && hypothesis.better === 'lower'
  if (apart === undefined && !isGuard) return true
  const logs = eventHarmLogEvidences(hypothesis, harm)
  const strata = harm[logs.indexOf(Math.max(...logs))]!
  if (isGuard) return isFarAboveCap(strata)
  const { units, events } = unbiasedEvents(strata)
  // Events of older keys alone are infinitely far apart.
  return (events[CANARY_SIDE] - events[BASELINE_SIDE]) / units >= apart!
}

// By two standard errors: of events that are so few the difference is large now and then, and the look that comes then decides.
function isFarAboveCap(strata: readonly EventStratum[]): boolean {
  const { units, events } = unbiasedEvents(strata)
  const sum = (of: (stratum: EventStratum) => number) =>
    strata.reduce((total, stratum) => total + of(stratum), 0)
  const canary = sum(({ canary, pi }) => canary / pi ** 2)
  const baseline = sum(({ baseline, pi }) => baseline / (1 - pi) ** 2)
  const isMore = (times: number, by: number) =>
    events[CANARY_SIDE] - times * events[BASELINE_SIDE] - by >=
    2 * Math.sqrt(canary + times ** 2 * baseline)
  return isMore(1, ABOVE_CAP_HARM.apart * units) || isMore(ABOVE_CAP_HARM.times, 0)
}

/**
 * The judged units of both sides, and how many events there would be, had all of them been on a side: each event
 * counts by the probability of its side, which is without bias whatever the weights did. With keys the units are
 * those that are new since the start point.
 */
export function unbiasedEvents(strata: readonly EventStratum[]): {
  readonly units: number
  readonly events: Readonly<Pair>
} {
  const sum = (of: (stratum: EventStratum) => number) =>
    strata.reduce((total, stratum) => total + of(stratum), 0)
  return {
    units: sum(({ trials }) => trials),
    events: [sum((s) => s.baseline / (1 - s.pi)), sum((s) => s.canary / s.pi)],
  }
}
