import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import { UnitClaims } from '../metrics/unit-claims.ts'
import type { UnitIndex } from '../metrics/unit-index.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/**
 * The keys that processes on one store judge once between them, as the one that decides sees them: those of a rollout,
 * or of all comparisons of an experiment, which have a ledger each and claim together.
 */
export class SharedKeys {
  readonly claims = new UnitClaims()
  /** What they are claimed under in the store. */
  readonly #name: string
  readonly #ledgers: CohortLedger[] = []
  /** Those that were judged before others came are claimed. */
  #hasClaimed = false

  constructor(name: string) {
    this.#name = name
  }

  /** Claims for the keys of this ledger, too, which has these `claims`. */
  add(ledger: CohortLedger): void {
    this.#ledgers.push(ledger)
  }

  /**
   * Keys are claimed while `others` judge them too, and until what they have judged is counted. True once they may:
   * those judged so far are claimed.
   */
  admits(others: boolean): boolean {
    const { claims } = this
    if (others && !claims.isShared) {
      claims.share()
      this.#hasClaimed = false
    } else if (!others && claims.isShared && !this.#ledgers.some(hasUncounted)) {
      claims.unshare((unit) => this.#ledgers.some(({ units }) => units.knows(unit)))
    }
    return others && this.#hasClaimed
  }

  /** Claims for the keys that were judged here while nobody else was there, where others have come. */
  async claimKnown({ claimUnits }: Pick<OtherReplicas, 'claimUnits'>): Promise<void> {
    if (!this.claims.isShared || this.#hasClaimed) return
    await claimUnits(this.#name, this.#known())
    this.#hasClaimed = true
  }

  *#known(): Iterable<number> {
    const before: UnitIndex[] = []
    for (const { units } of this.#ledgers) {
      // The baseline's keys are in every comparison.
      for (const unit of units.all) if (!before.some((each) => each.knows(unit))) yield unit
      before.push(units)
    }
  }
}

/** Whether others may have judged keys that the ledger has yet to hear of. */
function hasUncounted(ledger: CohortLedger): boolean {
  for (const { cohort, counted } of ledger.slots()) {
    if (!counted && cohort.shares !== undefined) return true
  }
  return false
}
