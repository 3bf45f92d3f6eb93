import { isAlone, type Cohort } from '../domain/cohort.ts'
import type { UnitBatch } from '../store/store.ts'

/**
 * What a cohort says of keys: those that it judged first, and those that had an event which is evidence. Null: nothing.
 */
export function unitsOf(cohort: Cohort, seen: readonly number[]): UnitBatch | null {
  const events: Record<string, number[]> = {}
  let isEmpty = seen.length === 0
  for (const id in cohort.tallies) {
    const tally = cohort.tallies[id]!
    if (isAlone(cohort) || tally.kind !== 'event' || tally.harmUnits === null) continue
    const [baseline, canary] = tally.harmUnits
    if (baseline.length + canary.length === 0) continue
    events[id] = [...baseline, ...canary]
    isEmpty = false
  }
  if (isEmpty) return null
  return { cohort: cohort.number, epoch: cohort.epoch, seen, events }
}
