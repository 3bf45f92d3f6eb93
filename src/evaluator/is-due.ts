import type { Cohort } from '../domain/cohort.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { RolloutPlan } from '../rollout/plan.ts'

/** Answers are read after they have left: the last numbers of a settled cohort come within this. */
export const READ_MS = 1000

/**
 * Cohorts that a hypothesis folds at one look, at most: after a night without the process all that waited for labels are
 * due at once, and requests would wait for them.
 */
export const FOLDED_AT_ONCE = 50

/** From when on the window of a hypothesis is over for a cohort that has settled. */
function dueFrom({ closedAt, settledAt }: Cohort, { source }: Hypothesis): number {
  const windowMs = 'windowMs' in source ? source.windowMs : null
  const over = closedAt! + (windowMs ?? 0)
  return windowMs === 0 ? Math.max(over, settledAt! + READ_MS) : over
}

/** Whether it is. */
export function isDue(cohort: Cohort, hypothesis: Hypothesis, now: number): boolean {
  return now >= dueFrom(cohort, hypothesis)
}

/**
 * When the first of a ledger's closed cohorts is due to a hypothesis that has not folded it: -Infinity while one of them has
 * yet to settle and to be counted, Infinity where there is none.
 */
export function nextFold(
  ledger: Pick<CohortLedger, 'slotsAfter'>,
  { hypotheses }: Pick<RolloutPlan, 'hypotheses'>,
  foldedThrough: ReadonlyMap<string, number>,
  countedThrough: number,
): number {
  const closedAfter = (number: number): Cohort | null => {
    for (const { cohort } of ledger.slotsAfter(number))
      return cohort.closedAt === null ? null : cohort
    return null
  }
  if (closedAfter(countedThrough) !== null) return -Infinity
  let next = Infinity
  for (const hypothesis of hypotheses) {
    const cohort = closedAfter(foldedThrough.get(hypothesis.id)!)
    if (cohort !== null) next = Math.min(next, dueFrom(cohort, hypothesis))
  }
  return next
}
