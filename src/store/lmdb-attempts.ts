import { decodeAttempt, encodeAttempt } from './attempt-codec.ts'
import { createLmdbBundles } from './lmdb-bundles.ts'
import type { LmdbLanes } from './lmdb-lanes.ts'
import type { LmdbTables, StoredAttempt } from './lmdb-tables.ts'

/** Of an attempt: its service and its rollout's id. */
export type AttemptKey = readonly [service: string, rollout: string]

/**
 * The attempts with archived cohorts. The newest one of each service is written with each cohort, and stands together
 * with those of its neighbours, as their cohorts do; the ones before have places of their own.
 */
export type LmdbAttempts = {
  /** All of the following in a write transaction. */
  readonly get: (key: AttemptKey) => StoredAttempt | undefined
  readonly put: (service: string, attempt: StoredAttempt) => void
  readonly remove: (key: AttemptKey) => void
  /** The one that began first, of all services; there must be one. */
  readonly findOldest: () => AttemptKey
  /** Writes what has changed. */
  readonly flush: () => void
  /** The transaction is over. */
  readonly clear: () => void
  /** What this store knows of them may not be so: it is read again. */
  readonly forget: () => void
  /** Those of a service as they are stored, the oldest first. */
  readonly list: (service: string) => readonly StoredAttempt[]
}

/** The attempts of one environment. */
export function createLmdbAttempts(tables: LmdbTables, lanes: LmdbLanes): LmdbAttempts {
  const before = tables.attempts
  const newest = createLmdbBundles(tables.newestAttempts)
  /** The newest ones, as this store has written or read them last; null = there is none. */
  const known = new Map<string, StoredAttempt | null>()

  const newestOf = (service: string): StoredAttempt | null => {
    const found = known.get(service)
    if (found !== undefined) return found
    const place = lanes.find(service)
    const bytes = place === null ? undefined : newest.get(place, 0)
    const read = bytes === undefined ? null : decodeAttempt(bytes)
    known.set(service, read)
    return read
  }
  const putNewest = (service: string, attempt: StoredAttempt) => {
    newest.put(lanes.placeOf(service), 0, encodeAttempt(attempt))
    known.set(service, attempt)
  }
  const putBefore = (service: string, attempt: StoredAttempt) =>
    void before.put([service, attempt.rollout], encodeAttempt(attempt))
  const getBefore = (key: AttemptKey): StoredAttempt | undefined => {
    const stored = before.get([...key])
    return stored === undefined ? undefined : decodeAttempt(stored)
  }

  return {
    get: (key) => {
      const last = newestOf(key[0])
      return last?.rollout === key[1] ? last : getBefore(key)
    },
    put: (service, attempt) => {
      const last = newestOf(service)
      if (last?.rollout === attempt.rollout) return putNewest(service, attempt)
      if (last !== null && last.first > attempt.first) return putBefore(service, attempt)
      if (last !== null) putBefore(service, last)
      // It may have a place of its own, where older versions had all of them.
      void before.remove([service, attempt.rollout])
      putNewest(service, attempt)
    },
    remove: ([service, rollout]) => {
      void before.remove([service, rollout])
      if (newestOf(service)?.rollout !== rollout) return
      newest.remove(lanes.placeOf(service), 0)
      known.set(service, null)
    },
    findOldest: () => {
      const all: { readonly key: AttemptKey; readonly first: number }[] = []
      const add = (service: string, { rollout, first }: StoredAttempt) =>
        all.push({ key: [service, rollout], first })
      for (const { key, value } of before.getRange({})) {
        add((key as [string, string])[0], decodeAttempt(value))
      }
      for (const service of lanes.services()) {
        const last = newestOf(service)
        if (last !== null) add(service, last)
      }
      return all.reduce((oldest, each) => (each.first < oldest.first ? each : oldest)).key
    },
    flush: () => newest.flush(),
    clear: () => newest.clear(),
    forget: () => known.clear(),
    list: (service) => {
      const all = Array.from(before.getRange(attemptsOf(service)), ({ value }) =>
        decodeAttempt(value),
      )
      const place = lanes.find(service)
      const last = place === null ? [] : [...newest.range(place, 0, 1)]
      for (const { bytes } of last) all.push(decodeAttempt(bytes))
      return all.sort((a, b) => a.first - b.first)
    },
  }
}

function attemptsOf(service: string): { start: [string]; end: [string, string] } {
  return { start: [service], end: [service, '\u{10FFFF}'] }
}
