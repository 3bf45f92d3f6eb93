import type { Database } from 'lmdb'
import type { LmdbCells } from './lmdb-cells.ts'

/** Services of one lane. */
const IN_A_LANE = 16

/** Where the archived cohorts of a service stand: in which bundles, and which of theirs are its own. */
export type Place = { readonly lane: number; readonly slot: number }

/**
 * Lanes of services whose cohorts are archived together. A service has the next free place when its first cohort is
 * archived, and keeps it: those that are evaluated one after the other become neighbours.
 */
export type LmdbLanes = {
  /** In a write transaction. */
  readonly placeOf: (service: string) => Place
  /** Null: nothing of it was ever archived. */
  readonly find: (service: string) => Place | null
  /** All that have a place. */
  readonly services: () => Iterable<string>
  /** A transaction was taken back: what is known of places may be of it. */
  readonly forget: () => void
}

/** The lanes of one environment. */
export function createLmdbLanes(table: Database<number, string>, cells: LmdbCells): LmdbLanes {
  const known = new Map<string, Place>()

  const find = (service: string): Place | null => {
    const found = known.get(service)
    if (found !== undefined) return found
    const number = table.get(service)
    return number === undefined ? null : note(service, number)
  }

  const note = (service: string, number: number): Place => {
    const place = { lane: Math.floor(number / IN_A_LANE), slot: number % IN_A_LANE }
    known.set(service, place)
    return place
  }

  return {
    find,
    services: () => table.getKeys({}),
    placeOf: (service) => {
      const found = find(service)
      if (found !== null) return found
      const next = (cells.get('lanes') as number | undefined) ?? 0
      cells.put('lanes', next + 1)
      void table.put(service, next)
      return note(service, next)
    },
    forget: () => known.clear(),
  }
}
