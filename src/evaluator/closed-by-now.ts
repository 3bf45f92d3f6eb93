import type { RolloutRecord } from '../store/store.ts'

/**
 * What is stored of an attempt, as it goes on `now`. Cohorts that were closed later than that, by the clock of another
 * machine or by one that was set back since, are closed now: else all that comes after them would wait for that time.
 */
export function closedByNow(record: RolloutRecord, now: number): RolloutRecord {
  if (record.cohorts.every(({ closedAt }) => closedAt === null || closedAt <= now)) return record
  const cohorts = record.cohorts.map((cohort) => {
    const { closedAt, settledAt } = cohort
    return {
      ...cohort,
      closedAt: closedAt === null ? null : Math.min(closedAt, now),
      ...(settledAt === undefined ? undefined : { settledAt: Math.min(settledAt, now) }),
    }
  })
  return { ...record, cohorts }
}
