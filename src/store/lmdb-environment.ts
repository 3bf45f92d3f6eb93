import { open } from 'lmdb'
import type { Database, Key, RootDatabase } from 'lmdb'
import { prepareStoreDirectory } from './store-directory.ts'
import type { SetTimer } from './set-timer.ts'
import { StoreError, toStoreError } from './store-error.ts'
import type { ArchivedAttempt } from './store.ts'
import { createLmdbCells, type LmdbCells } from './lmdb-cells.ts'
import { checkSchema } from './lmdb-schema.ts'
import { createWriteGroup } from './lmdb-write-group.ts'
import { createWriteGate } from './write-gate.ts'

/**
 * Bytes of a probe: more than the largest of the other writes, 256 predictions that each touch pages of
 * their own, so that what takes it takes all of them.
 */
const PROBE_BYTES = 4 * 1024 ** 2

/** Where all of a process' reads and writes of one LMDB directory go through. */
export type LmdbEnvironment = {
  readonly path: string
  /** The directory held no store before. */
  readonly isNew: boolean
  readonly tables: LmdbTables
  readonly cells: LmdbCells
  /** Runs `look` on one snapshot that holds every commit made so far by any process. */
  readonly read: <T>(what: string, look: () => T) => Promise<T>
  /**
   * Runs `change` in a write transaction of its own, whole or not at all, in the order of the calls.
   * Resolves when it is committed: it survives the death of the process from there on. One that the disk
   * does not take has the later ones rejected at once, until a probe shows that there is room again.
   */
  readonly write: <T>(what: string, change: () => T) => Promise<T>
  /**
   * The same for a small change that comes with many others, in one transaction with them; see WriteGroup. What it
   * rejects with may be no StoreError.
   */
  readonly writeTogether: <T>(what: string, change: () => T) => Promise<T>
  /** Waits for the writes that were asked for and closes; later calls are rejected. */
  readonly close: () => Promise<void>
}

/** Named databases of the environment. Values are bytes (see the codecs) where nothing else is said. */
export type LmdbTables = {
  /** By service. */
  readonly states: Database<Buffer, string>
  readonly evidence: Database<Buffer, string>
  /** By [service, number of the cohort]. */
  readonly cohorts: Database<Buffer, Key>
  readonly units: Database<Buffer, Key>
  /** Newer than those in the cohort of the same key. */
  readonly tallies: Database<Buffer, Key>
  /** Folded cohorts by [service, number], the attempts they are of by [service, rollout], and their plans. */
  readonly archive: Database<Buffer, Key>
  readonly attempts: Database<StoredAttempt, Key>
  readonly plans: Database<Buffer, Key>
  /** By [service, id]. */
  readonly decisions: Database<Buffer, Key>
  /** Milliseconds since the epoch by [service, canary version]. */
  readonly rollbacks: Database<number, Key>
  /** Id of a decision by [service, hook]. */
  readonly notifyCursors: Database<number, Key>
  /** By service, with its version; the service by that version. */
  readonly publications: Database<Buffer, string>
  readonly publicationOrder: Database<string, number>
  /** By [service, number of the cohort]. */
  readonly openings: Database<Buffer, Key>
  /** By [service, number of the cohort, replica]. Tallies are newer than those in the share of the same key. */
  readonly shares: Database<Buffer, Key>
  readonly shareTallies: Database<Buffer, Key>
  /** By [service, hash of a key]; by [service], how many there are. */
  readonly unitClaims: Database<number, Key>
  /** By replica. */
  readonly reports: Database<Buffer, string>
  /** `lease`: who decides. `changes`: commits so far. `archive`: what is in it. `published`: the last version. */
  readonly meta: Database<unknown, string>
  /** Commits so far by service. */
  readonly changes: Database<number, string>
  /** By a number that counts up, so that neighbours in time are neighbours on disk. */
  readonly predictions: Database<Buffer, number>
  /** That number by PredictionKey. */
  readonly predictionNumbers: Database<number, Key>
}

/** An attempt with what its archived cohorts take: for finding the oldest, and for counting. */
export type StoredAttempt = ArchivedAttempt & {
  readonly bytes: number
  /** Number of the oldest cohort that is left. */
  readonly oldest: number
  readonly last: number
  /** Of the configuration whose plan is stored. */
  readonly configHash: string
}

/**
 * Opens or creates the directory `path`. Throws a StoreError when it cannot be used, or when a newer
 * version wrote it. `mapBytes` is address space to reserve; the file grows past it where it must.
 * `setTimer` times the pause before a full disk is tried again.
 */
export function openLmdbEnvironment(
  path: string,
  mapBytes: number,
  setTimer: SetTimer,
): LmdbEnvironment {
  prepareStoreDirectory(path)
  let root: RootDatabase<unknown, string>
  try {
    root = open({
      path,
      // Else a path with a dot in its name would be taken for a file.
      noSubdir: false,
      maxDbs: 24,
      mapSize: mapBytes,
      // It makes promises that nobody holds: a commit that fails would end the process.
      eventTurnBatching: false,
    })
  } catch (error) {
    throw toStoreError(`cannot open the store at ${path}`, error)
  }
  try {
    const meta = root.openDB<unknown, string>('meta', {})
    const isNew = checkSchema(path, meta)
    // In one transaction: a commit for each would be a good part of every first start.
    const tables = root.transactionSync(() => openTables(root, meta))
    return createEnvironment(path, isNew, root, tables, setTimer)
  } catch (error) {
    void root.close()
    throw toStoreError(`cannot open the store at ${path}`, error)
  }
}

function createEnvironment(
  path: string,
  isNew: boolean,
  root: RootDatabase<unknown, string>,
  tables: LmdbTables,
  setTimer: SetTimer,
): LmdbEnvironment {
  const running = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null
  let hasFailed = false

  const cells = createLmdbCells(tables.meta)

  const assertOpen = (what: string) => {
    if (closing !== null) throw new StoreError(`${what}: the store at ${path} is closed`)
  }
  const finish = async () => {
    await group.settle()
    await Promise.allSettled(running)
    // After a commit that failed, closing waits for a flush that never comes: an empty one brings it.
    if (hasFailed) await Promise.allSettled([root.childTransaction(() => null)])
    await root.close()
  }

  const track = async <T>(work: Promise<T>): Promise<T> => {
    running.add(work)
    try {
      return await work
    } finally {
      running.delete(work)
    }
  }
  const commit = async <T>(change: () => T): Promise<T> => {
    try {
      return await root.childTransaction(() => cells.during(change))
    } catch (error) {
      hasFailed = true
      throw await findCause(error)
    }
  }
  const group = createWriteGroup(async (run) => {
    try {
      return await commit(run)
    } catch (error) {
      if (isOfDisk(error)) gate.shut(error)
      throw error
    }
  })
  const probe = async () => {
    await commit(() => void tables.meta.put('probe', Buffer.alloc(PROBE_BYTES)))
    // The room stays, for what comes next.
    await commit(() => void tables.meta.remove('probe'))
  }
  const gate = createWriteGate(() => track(probe()), setTimer)
  const pass = async (what: string) => {
    try {
      await gate.open()
    } catch (error) {
      throw toStoreError(what, error)
    }
    assertOpen(what)
  }

  const write = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    assertOpen(what)
    if (gate.isShut()) await pass(what)
    try {
      return await track(run())
    } catch (error) {
      if (isOfDisk(error)) gate.shut(error)
      throw toStoreError(what, error)
    }
  }

  return {
    path,
    isNew,
    tables,
    cells,
    read: async (what, look) => {
      assertOpen(what)
      try {
        root.resetReadTxn()
        return look()
      } catch (error) {
        throw toStoreError(what, error)
      }
    },
    write: (what, change) =>
      write(what, () => {
        group.flush()
        return commit(change)
      }),
    writeTogether: async (what, change) => {
      assertOpen(what)
      if (gate.isShut()) await pass(what)
      return group.add(change)
    },
    close: () => (closing ??= finish()),
  }
}

function openTables(
  root: RootDatabase<unknown, string>,
  meta: Database<unknown, string>,
): LmdbTables {
  const bytes = { encoding: 'binary' } as const
  return {
    meta,
    states: root.openDB('states', bytes),
    evidence: root.openDB('evidence', bytes),
    cohorts: root.openDB('cohorts', bytes),
    units: root.openDB('units', bytes),
    tallies: root.openDB('tallies', bytes),
    archive: root.openDB('archive', bytes),
    attempts: root.openDB('attempts', {}),
    plans: root.openDB('plans', bytes),
    decisions: root.openDB('decisions', bytes),
    rollbacks: root.openDB('rollbacks', {}),
    notifyCursors: root.openDB('notify-cursors', {}),
    changes: root.openDB('changes', {}),
    publications: root.openDB('publications', bytes),
    publicationOrder: root.openDB('publication-order', {}),
    openings: root.openDB('openings', bytes),
    shares: root.openDB('shares', bytes),
    shareTallies: root.openDB('share-tallies', bytes),
    unitClaims: root.openDB('unit-claims', {}),
    reports: root.openDB('reports', bytes),
    predictions: root.openDB('predictions', bytes),
    predictionNumbers: root.openDB('prediction-numbers', {}),
  }
}

/** A commit that fails hides its reason in a second promise, which would go unhandled otherwise. */
async function findCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (cause) {
    return cause
  }
}

/** Whether the system refused it, by a number of its own, and not LMDB or the change itself. */
function isOfDisk(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code > 0
  )
}
