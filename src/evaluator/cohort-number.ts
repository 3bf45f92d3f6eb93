/**
 * The least number of a cohort that is opened `now`. It is from the time, so that a restart never gives a number that a
 * lost cohort had: labels of the lost one would be booked into the new one.
 */
export function cohortNumberAt(now: number): number {
  return Math.floor(now / 100)
}
