import type { Cohort, CohortTerms } from '../domain/cohort.ts'
import { Bag } from './bag.ts'
import type { Ticket } from './recorder.ts'
import type { UnitClaim } from './unit-claims.ts'

/** A cohort with what is still under way in it. */
export type Slot = {
  readonly cohort: Cohort
  /** The ledger that it is in; null = it was dropped there. */
  holder: object | null
  /** A good answer that took no longer, in ms, is slow by none of its thresholds for harm. */
  readonly fastMs: number
  /** Assigned, and without an outcome so far. */
  readonly live: Bag<Ticket>
  /** Keys that this cohort judged first. */
  readonly newUnits: number[]
  /** Keys that it may have judged first; null = there were none. */
  claims: Set<UnitClaim> | null
  /** A judged request was assigned in it; else there is nothing to fold and nothing to store. */
  used: boolean
  /** Every outcome is known or expired: nothing in the outcome tallies changes any more. */
  settled: boolean
  /** Its draws are in the evidence: with the shares of other replicas that take part in it. */
  counted: boolean
  /** The store has it: a label that changes it must be stored with it. */
  persisted: boolean
  /** Something beside feedback has changed since the store got it. */
  stale: boolean
}

/** A cohort of a ledger without a request under way; `stored`: it comes from the store, settled. */
export function newSlot(holder: object, cohort: Cohort, stored: boolean): Slot {
  // Written out, as the cohort itself: with a spread, what comes behind it gets memory of its own.
  return {
    cohort,
    holder,
    fastMs: lowestThreshold(cohort.terms),
    live: new Bag<Ticket>(),
    newUnits: [],
    claims: null,
    used: stored,
    settled: stored,
    counted: stored,
    persisted: stored,
    stale: false,
  }
}

/** Where a draw is booked. `first`: its unit's first judged request; with a claim, not before that is known. */
export type Place = {
  readonly cohort: Cohort
  readonly slot: Slot
  readonly first: boolean
  readonly claim: UnitClaim | null
}

function lowestThreshold({ thresholds }: CohortTerms): number {
  let lowest = Infinity
  for (const id in thresholds) {
    const { baselineMs, harmMs } = thresholds[id]!
    lowest = Math.min(lowest, baselineMs, harmMs)
  }
  return lowest
}
