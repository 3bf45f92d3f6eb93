import type { Cohort } from '../domain/cohort.ts'
import { Bag } from './bag.ts'
import type { Ticket } from './recorder.ts'

/** A cohort with what is still under way in it. */
export type Slot = {
  readonly cohort: Cohort
  /** Assigned, and without an outcome so far. */
  readonly live: Bag<Ticket>
  /** Keys that this cohort judged first. */
  readonly newUnits: number[]
  /** A judged request was assigned in it; else there is nothing to fold and nothing to store. */
  used: boolean
  /** Every outcome is known or expired: nothing in the outcome tallies changes any more. */
  settled: boolean
  /** The store has it: a label that changes it must be stored with it. */
  persisted: boolean
  /** Something beside feedback has changed since the store got it. */
  stale: boolean
}

/** A cohort without a request under way; `stored`: it comes from the store, settled. */
export function newSlot(cohort: Cohort, stored: boolean): Slot {
  const kept = { used: stored, settled: stored, persisted: stored, stale: false }
  return { cohort, live: new Bag<Ticket>(), newUnits: [], ...kept }
}
