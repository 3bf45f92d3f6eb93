import type { BetEvidence, EventEvidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { provenStrata, provenWealth } from '../statistics/event-evidence.ts'

/** Whether the proof stands by the evidence without outages of the baseline, since that proves less. */
export function leavesOutagesOut(
  hypothesis: Hypothesis,
  found: EventEvidence | BetEvidence,
): boolean {
  if (found.calm === undefined) return false
  return found.kind === 'bet'
    ? provenWealth(found.proof, found.calm.proof) !== found.proof
    : provenStrata(hypothesis, found.proof, found.calm.proof) !== found.proof
}
