import { buildLmdbArchive } from './lmdb-archive.ts'
import { createLmdbAttempts } from './lmdb-attempts.ts'
import { createLmdbBundles } from './lmdb-bundles.ts'
import { createLmdbChanges } from './lmdb-changes.ts'
import { openLmdbEnvironment } from './lmdb-environment.ts'
import { createLmdbLanes } from './lmdb-lanes.ts'
import type { WrittenBy } from './lmdb-schema.ts'
import { buildLmdbLease } from './lmdb-lease.ts'
import { buildLmdbNotify } from './lmdb-notify.ts'
import { buildLmdbOrders } from './lmdb-orders.ts'
import { buildLmdbPredictions } from './lmdb-predictions.ts'
import { moveArchive } from './move-archive.ts'
import { ARCHIVE_LIMITS } from './limits.ts'
import type { ArchiveLimits, PredictionLimits } from './limits.ts'
import { buildLmdbReplicas } from './lmdb-replicas.ts'
import { buildLmdbRollouts } from './lmdb-rollouts.ts'
import { describeExposure } from './store-directory.ts'
import { setBackgroundTimer } from './set-timer.ts'
import type { SetTimer } from './set-timer.ts'
import type { StoreLog } from './store-log.ts'
import type { Store } from './store.ts'

/** Where the store is, and what it may take. */
export type LmdbStoreOptions = PredictionLimits & {
  /** Directory of the store; created when absent. */
  readonly path: string
  readonly log: StoreLog
  /** Drives the probes of a full disk; the default does not keep the process alive. */
  readonly setTimer?: SetTimer
  /** What the archive of cohorts may take. */
  readonly archive?: ArchiveLimits
  /** So many archived cohorts have made room for newer ones. */
  readonly onEvicted?: (cohorts: number) => void
}

/** Address space beyond the predictions, for everything else; not disk space. */
const OTHER_MAP_BYTES = 256 * 1024 ** 2

/**
 * The store in an LMDB directory, which several processes may open at once. What is committed survives
 * the death of the process at any moment. Rejects with a StoreError when the path cannot be used or a
 * newer version wrote there; says so in the log when the store is new. Do not open a path while this
 * process writes to it through another store: LMDB would wait for itself.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const mapBytes = options.maxBytes + OTHER_MAP_BYTES
  const setTimer = options.setTimer ?? setBackgroundTimer
  const env = openLmdbEnvironment(options.path, mapBytes, setTimer)
  tellOfOpening(options.log, options.path, env.before)
  const exposure = describeExposure(options.path)
  if (exposure !== null)
    options.log.warn({ path: options.path, exposure }, 'the store is open to all')
  const lanes = createLmdbLanes(env.tables.lanes, env.cells)
  const attempts = createLmdbAttempts(env.tables, lanes)
  const places = { lanes, bundles: createLmdbBundles(env.tables.bundles), attempts }
  const archive = buildLmdbArchive(env, places, options.archive ?? ARCHIVE_LIMITS, (cohorts) =>
    options.onEvicted?.(cohorts),
  )
  await moveArchive(env, places)
  return {
    ...buildLmdbRollouts(env, createLmdbChanges(env.cells), archive),
    ...archive.reading,
    ...buildLmdbLease(env),
    ...buildLmdbReplicas(env),
    ...buildLmdbOrders(env),
    ...buildLmdbNotify(env),
    ...buildLmdbPredictions(env, options),
    close: () => env.close(),
  }
}

function tellOfOpening(log: StoreLog, path: string, before: WrittenBy): void {
  if (before === 'nobody') {
    log.warn(
      { path },
      'the store is empty: no rollout, no decision and no earlier rollback is known',
    )
  }
  if (before === 'earlier') {
    log.warn({ path }, 'the store was written by an earlier serin, which refuses it from now on')
  }
}
