import { UnitSet } from '../domain/unit-set.ts'
import { FirstEvents } from '../rollout/first-events.ts'
import type { HarmSince } from '../rollout/fold-cohort.ts'

/**
 * The keys of one rollout attempt: which were judged already, and at which start point each had its
 * last event. Bounded: beyond `maxUnits` new keys are not judged (and counted), so that memory stays
 * within it and no key is ever judged twice.
 */
export class UnitIndex {
  readonly #maxUnits: number
  readonly #seen = new UnitSet()
  readonly #events = new FirstEvents()
  /** See `FirstEvents`. */
  readonly harmSince: HarmSince = this.#events.harmSince
  #refused = 0

  constructor(maxUnits: number) {
    this.#maxUnits = maxUnits
  }

  /** Keys judged so far. */
  get size(): number {
    return this.#seen.size
  }

  /** Requests of keys that came after the index was full. */
  get refused(): number {
    return this.#refused
  }

  /**
   * True once per key and attempt: at its first judged request, and false at all later ones. Null: the index was full
   * when the key came, and it is not judged.
   */
  claim(unit: number): boolean | null {
    if (this.#seen.has(unit)) return false
    if (this.#seen.size >= this.#maxUnits) {
      this.#refused++
      return null
    }
    this.#seen.add(unit)
    return true
  }

  /** The key is judged elsewhere, so its events count here as well. */
  admit(unit: number): void {
    if (this.#seen.size < this.#maxUnits) this.#seen.add(unit)
  }

  /** All keys judged so far. */
  get all(): Iterable<number> {
    return this.#seen
  }

  /** Whether the key is one of those that are judged. */
  knows(unit: number): boolean {
    return this.#seen.has(unit)
  }

  /** Takes back what a stored cohort said about keys; in cohort order. */
  restore(batch: {
    readonly epoch: number
    readonly seen: readonly number[]
    readonly events: Readonly<Record<string, readonly number[]>>
  }): void {
    for (const unit of batch.seen) this.#seen.add(unit)
    for (const [hypothesis, units] of Object.entries(batch.events)) {
      this.#events.restore(hypothesis, batch.epoch, units)
    }
  }
}
