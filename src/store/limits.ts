/** How many predictions are kept, and for how long after their assignment. */
export type PredictionLimits = {
  readonly maxPending: number
  /** Bytes that predictions take, as the engine counts them; near the limit one goes for every one that comes. */
  readonly maxBytes: number
  readonly retentionMs: number
}

/** What all archived cohorts of a store may take together; bytes with the plans of their attempts. */
export type ArchiveLimits = { readonly maxCohorts: number; readonly maxBytes: number }

/**
 * A cohort takes 0.7 kB, and 3 to 5 kB where values are compared (RMSE): with one every two seconds that is
 * 20 hours of such a rollout. It is also what a backtest has to hold in memory.
 */
export const ARCHIVE_LIMITS: ArchiveLimits = { maxCohorts: 200_000, maxBytes: 128 * 1024 ** 2 }

/** Archived cohorts that go at once, at least: an attempt of days must not hold one commit up. */
export const ARCHIVE_EVICTION_SLICE = 32

/** Predictions that are removed at once: a few milliseconds of the event loop, or of the store, at most. */
export const EXPIRE_BATCH = 256

/** Decisions or cohorts on one page at most. */
export const MAX_PAGE = 1000

/** Keys that one attempt judges at most: 31 MB of memory. */
export const MAX_UNITS = 2_000_000
