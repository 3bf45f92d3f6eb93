import type { EventTally } from '../domain/cohort.ts'

/**
 * The keys of one rollout attempt: which were judged already, and at which start point each had its
 * last event. Bounded: beyond `maxUnits` new keys are not judged (and counted), so that memory stays
 * within it and no key is ever judged twice.
 */
export class UnitIndex {
  readonly #maxUnits: number
  readonly #seen = new Set<number>()
  readonly #lastEvent = new Map<string, Map<number, number>>()
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

  /** True once per key and attempt: at its first judged request. */
  claim(unit: number): boolean {
    if (this.#seen.has(unit)) return false
    if (this.#seen.size >= this.#maxUnits) {
      this.#refused++
      return false
    }
    this.#seen.add(unit)
    return true
  }

  /** Whether the key is one of those that are judged. */
  knows(unit: number): boolean {
    return this.#seen.has(unit)
  }

  /**
   * For every key with an event in a cohort of `epoch`: the first start point since which this is its
   * first event. Keys whose last event is of this epoch already are left out: they add nothing.
   */
  harmSince(
    hypothesis: string,
    epoch: number,
    units: NonNullable<EventTally['harmUnits']>,
  ): [baseline: number[], canary: number[]] {
    const last = this.#lastEventOf(hypothesis)
    const since = (unit: number): number[] => {
      const before = last.get(unit) ?? -1
      last.set(unit, Math.max(before, epoch))
      return before >= epoch ? [] : [before + 1]
    }
    return [units[0].flatMap(since), units[1].flatMap(since)]
  }

  /** Takes back what a stored cohort said about keys; in cohort order. */
  restore(batch: {
    readonly epoch: number
    readonly seen: readonly number[]
    readonly events: Readonly<Record<string, readonly number[]>>
  }): void {
    for (const unit of batch.seen) this.#seen.add(unit)
    for (const [hypothesis, units] of Object.entries(batch.events)) {
      const last = this.#lastEventOf(hypothesis)
      for (const unit of units) last.set(unit, batch.epoch)
    }
  }

  #lastEventOf(hypothesis: string): Map<number, number> {
    let last = this.#lastEvent.get(hypothesis)
    if (last === undefined) this.#lastEvent.set(hypothesis, (last = new Map()))
    return last
  }
}
