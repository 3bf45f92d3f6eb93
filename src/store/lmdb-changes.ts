import type { LmdbEnvironment } from './lmdb-environment.ts'
import type { SetTimer } from './set-timer.ts'
import type { StoreLog } from './store-log.ts'

/** How often other stores' changes are looked for, in milliseconds. */
export const WATCH_INTERVAL_MS = 500

/** Tells the listeners of this store which services others have changed. */
export type LmdbChanges = {
  /** How many changes of the service there are, whoever made them. */
  readonly count: (service: string) => number
  /** Counts a change by this store, after `before` others, which is the last thing in it; what `count` is then. */
  readonly record: (service: string, before: number) => number
  /** A recorded change was not committed after all. */
  readonly forget: (service: string) => void
  /** See `Store.watch`. */
  readonly watch: (listener: (service: string) => void) => () => void
  readonly close: () => void
}

/**
 * Every commit counts up a number of its service, and one over all of them. This store knows the
 * numbers that it made itself; any other number is somebody else's change. It looks only while there
 * are listeners.
 */
export function createLmdbChanges(
  env: LmdbEnvironment,
  log: StoreLog,
  setTimer: SetTimer,
): LmdbChanges {
  const { changes } = env.tables
  const listeners = new Set<(service: string) => void>()
  const known = new Map<string, number>()
  let knownTotal = -1
  let cancel: (() => void) | null = null

  const count = (service: string) => changes.get(service) ?? 0

  const findChanged = (): string[] => {
    const seenTotal = (env.tables.meta.get('changes') as number | undefined) ?? 0
    if (seenTotal === knownTotal) return []
    const changed: string[] = []
    for (const { key, value } of changes.getRange({})) {
      if (known.get(key) === value) continue
      known.set(key, value)
      changed.push(key)
    }
    knownTotal = seenTotal
    return changed
  }

  const look = async () => {
    // Who comes while the changes are read has not missed them.
    const audience = [...listeners]
    try {
      for (const service of await env.read('cannot look for changes', findChanged)) {
        for (const listener of audience) if (listeners.has(listener)) listener(service)
      }
    } catch (error) {
      log.warn({ err: error }, 'changes made by other processes were not passed on')
    }
  }

  const arm = () => {
    cancel = setTimer(() => {
      arm()
      void look()
    }, WATCH_INTERVAL_MS)
  }

  const disarm = () => {
    cancel?.()
    cancel = null
  }

  return {
    count,
    record: (service, before) => {
      const number = before + 1
      // A gap means that somebody else's change has not been told yet.
      if ((known.get(service) ?? 0) === number - 1) known.set(service, number)
      void changes.put(service, number)
      env.cells.put('changes', ((env.cells.get('changes') as number | undefined) ?? 0) + 1)
      return number
    },
    forget: (service) => {
      known.delete(service)
      knownTotal = -1
    },
    watch: (listener) => {
      if (cancel === null) {
        // With nobody in the audience: what has changed so far is no news.
        void look()
        arm()
      }
      // A function of its own, so that one listener may watch twice.
      const own = (service: string) => listener(service)
      listeners.add(own)
      return () => {
        listeners.delete(own)
        if (listeners.size === 0) disarm()
      }
    },
    close: () => {
      listeners.clear()
      disarm()
    },
  }
}
