import type { Cohort } from '../domain/cohort.ts'
import type { ArchivedAttempt } from '../store/store.ts'

/** An archived cohort as the API shows it: as it was counted, with times as ISO 8601. */
export type CohortJson = Omit<Cohort, 'openedAt' | 'closedAt' | 'settledAt'> & {
  readonly openedAt: string
  readonly closedAt: string | null
  readonly settledAt: string | null
}

/** An attempt of which cohorts are kept; `evicted` had to make room for newer ones. */
export type AttemptJson = {
  readonly rollout: string
  readonly cohorts: number
  readonly from: string
  readonly to: string
  readonly evicted: number
}

/** Builds the JSON of a cohort. */
export function presentCohort(cohort: Cohort): CohortJson {
  const { openedAt, closedAt, settledAt, ...rest } = cohort
  return {
    ...rest,
    openedAt: toIso(openedAt),
    closedAt: closedAt === null ? null : toIso(closedAt),
    settledAt: settledAt === undefined ? null : toIso(settledAt),
  }
}

/** The cohort that `presentCohort` was given. */
export function parseCohort({ openedAt, closedAt, settledAt, ...rest }: CohortJson): Cohort {
  return {
    ...rest,
    openedAt: Date.parse(openedAt),
    closedAt: closedAt === null ? null : Date.parse(closedAt),
    ...(settledAt === null ? {} : { settledAt: Date.parse(settledAt) }),
  }
}

/** Builds the JSON of an attempt. */
export function presentAttempt(attempt: ArchivedAttempt): AttemptJson {
  const { rollout, cohorts, from, to, evicted } = attempt
  return { rollout, cohorts, from: toIso(from), to: toIso(to), evicted }
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
