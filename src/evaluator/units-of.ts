import type { Cohort } from '../domain/cohort.ts'
import type { UnitBatch } from '../store/store.ts'

/** What a cohort says of keys: those that it judged first, and those that had an event. Null: nothing. */
export function unitsOf(cohort: Cohort, seen: readonly number[]): UnitBatch | null {
  const events: Record<string, number[]> = {}
  for (const [id, tally] of Object.entries(cohort.tallies)) {
    if (tally.kind !== 'event' || tally.harmUnits === null) continue
    const units = tally.harmUnits.flat()
    if (units.length > 0) events[id] = units
  }
  if (seen.length === 0 && Object.keys(events).length === 0) return null
  return { cohort: cohort.number, epoch: cohort.epoch, seen, events }
}
