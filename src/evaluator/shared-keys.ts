import { UnitClaims } from '../metrics/unit-claims.ts'
import type { UnitIndex } from '../metrics/unit-index.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/**
 * The keys that processes on one store judge once between them, as the one that decides sees them: those of a rollout,
 * or of all comparisons of an experiment, which have an index each and claim together.
 */
export class SharedKeys {
  readonly claims = new UnitClaims()
  /** What they are claimed under in the store. */
  readonly #name: string
  readonly #indexes: UnitIndex[] = []
  /** Those that were judged before others came are claimed. */
  #hasClaimed = false

  constructor(name: string) {
    this.#name = name
  }

  /** Claims for the keys of this index, too. */
  add(index: UnitIndex): void {
    this.#indexes.push(index)
  }

  /** Keys are claimed while `others` judge them too. True once they may: those judged so far are claimed. */
  admits(others: boolean): boolean {
    if (others !== this.claims.isShared) {
      if (others) this.claims.share()
      else this.claims.unshare()
      this.#hasClaimed = false
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
    for (const index of this.#indexes) {
      // The baseline's keys are in every comparison.
      for (const unit of index.all) if (!before.some((each) => each.knows(unit))) yield unit
      before.push(index)
    }
  }
}
