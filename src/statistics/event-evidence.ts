import { BASELINE_SIDE, CANARY_SIDE, type Pair } from '../domain/cohort.ts'
import type { EventEvidence, EventStratum } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { logMeanExp } from './log-sum-exp.ts'
import { harmLogEvidence, proofLogEvidence } from './label-bet.ts'

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
      : proofLogEvidence(strata, harm.ratio, 0),
  )
}

/** Log-evidence that the canary is no worse; throws where nothing is to be proved. */
export function eventProofLogEvidence(
  { proof, better, id }: Hypothesis,
  strata: readonly EventStratum[],
): number {
  if (proof === null) throw new Error(`nothing is to be proved of ${id}`)
  if (better === 'lower') return proofLogEvidence(strata, proof.ratio, proof.floor)
  return harmLogEvidence(strata, proof.ratio)
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
 * Whether the shares of units with the event lie as far apart as harm needs beside its evidence, since the start
 * point that tells most: a late difference would be thin beside a long time before it. It can only keep an alarm
 * back, so that the level of the evidence stands.
 */
export function isFarApart(hypothesis: Hypothesis, { harm }: EventEvidence): boolean {
  const { apart } = hypothesis.harm
  if (apart === undefined) return true
  const logs = eventHarmLogEvidences(hypothesis, harm)
  const { units, events } = unbiasedEvents(harm[logs.indexOf(Math.max(...logs))]!)
  // Events of older keys alone are infinitely far apart.
  return (events[CANARY_SIDE] - events[BASELINE_SIDE]) / units >= apart
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
