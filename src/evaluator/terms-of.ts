import { isAlone, type CohortTerms } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { aloneTerms, publishTerms } from '../rollout/terms.ts'
import { baselineQuantile } from './baseline-quantile.ts'
import type { CycleBook } from './cycle-book.ts'

/** What the next cohort is judged with, at the canary's probability `pi`: see `publishTerms` and `aloneTerms`. */
export function termsOf(
  { hypotheses }: RolloutPlan,
  evidence: Evidence,
  pi: number,
  book: CycleBook,
): CohortTerms {
  if (isAlone({ pi })) return aloneTerms(hypotheses, evidence)
  return publishTerms(hypotheses, evidence, pi, (asked, segment) =>
    baselineQuantile(book, asked, segment),
  )
}
