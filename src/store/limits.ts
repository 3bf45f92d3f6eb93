/** How many predictions are kept, and for how long after their assignment. */
export type PredictionLimits = {
  readonly maxPending: number
  /** Bytes that predictions take, as the engine counts them; near the limit one goes for every one that comes. */
  readonly maxBytes: number
  readonly retentionMs: number
}

/** What all archived cohorts of a store may take together. */
export type ArchiveLimits = { readonly maxCohorts: number; readonly maxBytes: number }

/** A cohort every two seconds is 43,200 a day, of about half a kilobyte each. */
export const ARCHIVE_LIMITS: ArchiveLimits = { maxCohorts: 200_000, maxBytes: 128 * 1024 ** 2 }

/** Archived cohorts that go at once, at least: an attempt of days must not hold one commit up. */
export const ARCHIVE_EVICTION_SLICE = 32

/** Predictions that are removed at once: a few milliseconds of the event loop, or of the store, at most. */
export const EXPIRE_BATCH = 256

/** Decisions or cohorts on one page at most. */
export const MAX_PAGE = 1000
