import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { provenStrata, provenWealth } from '../statistics/event-evidence.ts'
import { labelBetWealth } from '../statistics/label-bet.ts'
import { proofDirection } from './figures.ts'

type Tested = EventEvidence | BetEvidence

/** Largest log-evidence of no worse so far, and the log-wealths of the bets now; null = nothing is folded. */
export type ProofSoFar = { readonly sup: number; readonly wealth: () => readonly number[] | null }

/** Of the whole attempt; where `isOwn` says so, also of the step alone. */
export function proofsSoFar(
  hypothesis: Hypothesis,
  evidence: Evidence,
  isOwn: boolean,
  step: number,
): readonly ProofSoFar[] {
  const found = evidence.hypotheses[hypothesis.id] as Tested
  const whole = { sup: found.sup.proof, wealth: () => proofWealth(hypothesis, found, false) }
  if (!isOwn) return [whole]
  const own =
    found.step === step
      ? { sup: found.sup.stepProof, wealth: () => proofWealth(hypothesis, found, true) }
      : { sup: 0, wealth: () => null }
  return [whole, own]
}

function proofWealth(hypothesis: Hypothesis, found: Tested, isOwn: boolean): readonly number[] {
  if (found.kind === 'bet') {
    return isOwn
      ? provenWealth(found.stepProof, found.calm?.stepProof)
      : provenWealth(found.proof, found.calm?.proof)
  }
  const { ratio, floor } = hypothesis.proof!
  const strata = isOwn
    ? provenStrata(hypothesis, found.stepProof, found.calm?.stepProof)
    : provenStrata(hypothesis, found.proof, found.calm?.proof)
  return labelBetWealth(strata, proofDirection(hypothesis), ratio, floor)
}
