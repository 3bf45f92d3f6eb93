import { isReplayed } from '../domain/cohort.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { PendingChanges } from './pending-changes.ts'
import type { SharedCohorts } from './shared-cohorts.ts'

/**
 * What becomes of counted cohorts: the store has them while some hypothesis has not folded them, and they go into the
 * archive once all have, where a replay makes anything of them.
 */
export class KeptCohorts {
  readonly #pending: Pick<PendingChanges, 'archive' | 'drop' | 'put'>
  /** The last cohort that was dropped or given to the store. */
  #through = -Infinity

  constructor(pending: Pick<PendingChanges, 'archive' | 'drop' | 'put'>) {
    this.#pending = pending
  }

  /** Takes those that are new or have changed; `foldedThrough`: the last one that each hypothesis has folded. */
  take(
    ledger: CohortLedger,
    shared: Pick<SharedCohorts, 'whole'>,
    foldedThrough: ReadonlyMap<string, number>,
  ): void {
    let folded = Infinity
    for (const number of foldedThrough.values()) folded = Math.min(folded, number)
    for (let slot = ledger.oldest; slot !== undefined; slot = ledger.oldest) {
      const { number } = slot.cohort
      if (!slot.counted || number > folded) break
      ledger.drop(number)
      if (slot.used && isReplayed(slot.cohort)) this.#pending.archive(shared.whole(slot.cohort))
      this.#pending.drop(number, slot.persisted)
    }
    // With windows of hours thousands of cohorts wait: looked at are those that are new or have changed.
    for (const { used, cohort } of ledger.takeStale()) {
      const isKept = cohort.number > folded && cohort.number <= this.#through
      if (isKept && used) this.#pending.put(cohort)
    }
    for (const slot of ledger.slotsAfter(this.#through)) {
      if (!slot.counted) break
      this.#through = slot.cohort.number
      if (slot.used && !slot.persisted) this.#pending.put(slot.cohort)
    }
  }
}
