import { open } from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { isOfDisk, nameFullDisk } from './name-full-disk.ts'
import { keepLmdbQuiet } from './quiet-lmdb.ts'
import { makePrivateFiles, prepareStoreDirectory, readFreeBytes } from './store-directory.ts'
import type { SetTimer } from './set-timer.ts'
import { StoreError, toStoreError } from './store-error.ts'
import { createLmdbCells, type LmdbCells } from './lmdb-cells.ts'
import { rememberPlace } from './lmdb-place.ts'
import { checkSchema, type WrittenBy } from './lmdb-schema.ts'
import { openTables, type LmdbTables } from './lmdb-tables.ts'
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
  /** Who had written in the directory before it was opened. */
  readonly before: WrittenBy
  readonly tables: LmdbTables
  readonly cells: LmdbCells
  /** Runs `look` on one snapshot that holds every commit made so far by any process. */
  readonly read: <T>(what: string, look: () => T) => Promise<T>
  /**
   * Runs `change` in a write transaction of its own, whole or not at all, in the order of the calls.
   * Resolves when it is committed: it survives the death of the process from there on. One that the disk
   * does not take has the later ones rejected at once, until a probe shows that there is room again. Rejects while
   * the directory is not the one that was opened.
   */
  readonly write: <T>(what: string, change: () => T) => Promise<T>
  /**
   * The same for a small change that comes with many others, in one transaction with them; see WriteGroup. What it
   * rejects with may be no StoreError; it throws where the store is closed.
   */
  readonly writeTogether: <T>(what: string, change: () => T) => Promise<T>
  /** Adds what runs at the end of every transaction, in it, and what once it is over, whatever came of it. */
  readonly atEnd: (end: () => void, over: () => void) => void
  /** Waits for the writes that were asked for and closes; later calls are rejected. */
  readonly close: () => Promise<void>
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
  keepLmdbQuiet()
  let root: RootDatabase<unknown, string>
  try {
    makePrivateFiles(path)
    root = open({
      path,
      // Else a path with a dot in its name would be taken for a file.
      noSubdir: false,
      maxDbs: 32,
      mapSize: mapBytes,
      // It makes promises that nobody holds: a commit that fails would end the process.
      eventTurnBatching: false,
    })
  } catch (error) {
    throw toStoreError(`cannot open the store at ${path}`, error)
  }
  try {
    const meta = root.openDB<unknown, string>('meta', {})
    const before = checkSchema(path, meta)
    // In one transaction: a commit for each would be a good part of every first start.
    const tables = root.transactionSync(() => openTables(root, meta))
    return createEnvironment(path, before, root, tables, setTimer)
  } catch (error) {
    void root.close()
    throw toStoreError(`cannot open the store at ${path}`, error)
  }
}

function createEnvironment(
  path: string,
  before: WrittenBy,
  root: RootDatabase<unknown, string>,
  tables: LmdbTables,
  setTimer: SetTimer,
): LmdbEnvironment {
  const running = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null
  let hasFailed = false

  const assertInPlace = rememberPlace(path)
  const cells = createLmdbCells(tables.meta)
  const ends: (() => void)[] = []
  const overs: (() => void)[] = []

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
  const inFull = <T>(change: () => T): T => {
    try {
      const result = change()
      for (const end of ends) end()
      return result
    } finally {
      for (const over of overs) over()
    }
  }
  const commit = async <T>(change: () => T): Promise<T> => {
    assertInPlace()
    try {
      return await root.childTransaction(() => cells.during(() => inFull(change)))
    } catch (error) {
      hasFailed = true
      throw nameFullDisk(await findCause(error), path, () => readFreeBytes(path) >= PROBE_BYTES)
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
    before,
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
    writeTogether: (what, change) => {
      assertOpen(what)
      return gate.isShut() ? pass(what).then(() => group.add(change)) : group.add(change)
    },
    atEnd: (end, over) => {
      ends.push(end)
      overs.push(over)
    },
    close: () => (closing ??= finish()),
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
