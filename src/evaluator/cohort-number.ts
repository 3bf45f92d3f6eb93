import type { Evidence } from '../domain/evidence.ts'

/**
 * The least number of a cohort that is opened `now`. It is from the time, so that a restart never gives a number that a
 * lost cohort had: labels of the lost one would be booked into the new one.
 */
export function cohortNumberAt(now: number): number {
  return Math.floor(now / 100)
}

/**
 * The number of the last cohort that was folded into evidence; -1 = none was. Whoever did so may have had a clock that was
 * ahead, and where no metric is judged only the shares of the variants tell.
 */
export function lastNumberIn({ hypotheses, ratio }: Evidence): number {
  const folded = Object.values(hypotheses).map(({ foldedThrough }) => foldedThrough)
  return Math.max(ratio.foldedThrough, ...folded)
}
