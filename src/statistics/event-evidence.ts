import type { EventEvidence, EventStratum } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
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

/**
 * Whether the shares of units with the event lie as far apart as harm needs beside its evidence, since the start
 * point that tells most: a late difference would be thin beside a long time before it. It can only keep an alarm
 * back, so that the level of the evidence stands.
 */
export function isFarApart(hypothesis: Hypothesis, { harm }: EventEvidence): boolean {
  const { apart } = hypothesis.harm
  if (apart === undefined) return true
  const logs = eventHarmLogEvidences(hypothesis, harm)
  return shareDifference(harm[logs.indexOf(Math.max(...logs))]!) >= apart
}

/**
 * By how much the canary's share of units with the event is above the baseline's. Each unit counts by the
 * probability of its side, which is without bias whatever the weights did. With keys the units are those that are
 * new since then, so that events of older keys alone are infinitely far apart.
 */
function shareDifference(strata: readonly EventStratum[]): number {
  const units = strata.reduce((sum, { trials }) => sum + trials, 0)
  const excess = strata.reduce((sum, s) => sum + s.canary / s.pi - s.baseline / (1 - s.pi), 0)
  return excess / units
}
