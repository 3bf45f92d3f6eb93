import type { EventStratum } from '../domain/evidence.ts'
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
