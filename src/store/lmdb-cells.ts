import type { Database } from 'lmdb'

/** Values of `meta` that nearly every change asks for or replaces; for use inside of a write transaction. */
export type LmdbCells = {
  readonly get: (key: string) => unknown
  readonly put: (key: string, value: unknown) => void
  /** Runs all changes of one transaction: each value is read and written once for all of them. */
  readonly during: <T>(changes: () => T) => T
}

/** The cells of one environment. */
export function createLmdbCells(meta: Database<unknown, string>): LmdbCells {
  const known = new Map<string, unknown>()
  const changed = new Set<string>()

  return {
    get: (key) => {
      if (!known.has(key)) known.set(key, meta.get(key))
      return known.get(key)
    },
    put: (key, value) => {
      known.set(key, value)
      changed.add(key)
    },
    during: (changes) => {
      try {
        const result = changes()
        for (const key of changed) void meta.put(key, known.get(key))
        return result
      } finally {
        // Another process may write before the next transaction begins.
        known.clear()
        changed.clear()
      }
    },
  }
}
