import type { Cohort } from '../domain/cohort.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'

/** Answers are read after they have left: the last numbers of a settled cohort come within this. */
export const READ_MS = 1000

/**
 * Cohorts that a hypothesis folds at one look, at most: after a night without the process all that waited for labels are
 * due at once, and requests would wait for them.
 */
export const FOLDED_AT_ONCE = 50

/** Whether the window of a hypothesis is over for a cohort that has settled. */
export function isDue(cohort: Cohort, { source }: Hypothesis, now: number): boolean {
  const windowMs = 'windowMs' in source ? source.windowMs : null
  if (now < cohort.closedAt! + (windowMs ?? 0)) return false
  return windowMs !== 0 || now >= cohort.settledAt! + READ_MS
}
