import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { RatioInterval } from '../domain/verdict.ts'
import { betterId } from './experiment-plan.ts'
import { harmMargin, proofMargin } from './margin.ts'

/** What the evidence has excluded of the ratio: all up to `lower`, and all from `upper` on. */
type Excluded = { readonly lower: number; readonly upper: number }

/**
 * The interval of a ratio, cut at what the evidence has shown: below (or above, where more is better) the margin of harm,
 * beyond the margin of a proof, and, where a challenger is better, on the baseline's side of 1. That of a mean is made in
 * another way than the bets that decide, and would go on to include what they have excluded. Each is excluded at the level
 * of its own evidence, so that the cut costs no more than that.
 *
 * A bound is cut only where the estimate agrees: what was shown once stands, and where the ratio has moved since, what is
 * read now says so. A proof with a floor allows more than a ratio, and excludes none.
 */
export function agreeWithVerdict(
  ratio: RatioInterval | null,
  hypothesis: Hypothesis,
  { hypotheses }: Pick<Evidence, 'hypotheses'>,
): RatioInterval | null {
  if (ratio === null) return null
  const { estimate, lower, upper } = ratio
  const found = hypotheses[hypothesis.id] as EventEvidence | BetEvidence
  const better = hypotheses[betterId(hypothesis)] as typeof found | undefined
  const excluded = excludedBy(hypothesis, found, better)
  return {
    ...ratio,
    lower: excluded.lower <= estimate ? Math.max(lower, excluded.lower) : lower,
    upper: excluded.upper >= estimate ? Math.min(upper, excluded.upper) : upper,
  }
}

function excludedBy(
  hypothesis: Hypothesis,
  { sup }: EventEvidence | BetEvidence,
  better: EventEvidence | BetEvidence | undefined,
): Excluded {
  const { harm, proof } = hypothesis
  const isHarmed = reaches(sup.harm, harm.alpha)
  const isProved = proof !== null && proof.floor === 0 && reaches(sup.proof, proof.alpha)
  // "Better" is only said after "no worse", whatever floor that has: the fixed sequence of tests.
  const isBetter =
    better !== undefined &&
    reaches(sup.proof, proof!.alpha) &&
    reaches(better.sup.proof, proof!.alpha)
  const most = isBetter ? 0 : isProved ? proofMargin(hypothesis)! : Infinity
  const least = isHarmed ? harmMargin(hypothesis) : -Infinity
  return hypothesis.better === 'lower'
    ? { lower: 1 + least, upper: 1 + most }
    : { lower: 1 - most, upper: 1 - least }
}

function reaches(log: number, alpha: number): boolean {
  return log >= Math.log(1 / alpha)
}
