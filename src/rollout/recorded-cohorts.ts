import type { Cohort } from '../domain/cohort.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { Rehearsal } from './rehearsal.ts'
import { isComparing } from './transition.ts'

/** The cohorts of a record, opened in a rehearsal at their time. */
export class RecordedCohorts {
  readonly #cohorts: readonly Cohort[]
  readonly #rehearsal: Rehearsal
  /** When intervals ended. */
  readonly #turns: readonly number[]
  #next = 0
  #nextTurn = 0
  /** Opened by other weights, one after the other, up to now. */
  #others: Cohort[] = []
  #otherWeightsFrom: number | null = null

  constructor(cohorts: readonly Cohort[], rehearsal: Rehearsal) {
    this.#cohorts = cohorts
    this.#rehearsal = rehearsal
    this.#turns = cohorts.flatMap((c) => (c.closedByInterval === true ? [c.closedAt!] : []))
  }

  /**
   * From when on cohorts were drawn by another weight than the rehearsal stood at; null = never. One or two
   * of them are a decision that came a look earlier or later.
   */
  get otherWeightsFrom(): number | null {
    return this.#otherWeightsFrom
  }

  /** How many the replay has come past. */
  get passed(): number {
    return this.#next
  }

  /**
   * Opens what has opened by `now`; true where anything did. A cohort that a decision opened, at another
   * step or weight than the one before, comes after the look that decided (`decided`); one that an interval
   * opened comes before it.
   */
  open(now: number, decided: boolean): boolean {
    const first = this.#next
    for (; this.#next < this.#cohorts.length; this.#next++) {
      const cohort = this.#cohorts[this.#next]!
      const before = this.#cohorts[this.#next - 1]
      if (cohort.openedAt > now) break
      if (!decided && cohort.openedAt === now && before !== undefined && isMoved(before, cohort))
        break
      this.#openOne(before, cohort)
    }
    return this.#next > first
  }

  /** Whether an interval ended since this was asked last. */
  turn(now: number): boolean {
    const first = this.#nextTurn
    while ((this.#turns[this.#nextTurn] ?? Infinity) <= now) this.#nextTurn++
    return this.#nextTurn > first
  }

  #openOne(before: Cohort | undefined, cohort: Cohort): void {
    const { state } = this.#rehearsal
    // An attempt that has ended draws nothing more.
    if (state.phase !== 'paused' && !isComparing(state)) return
    this.#others =
      cohort.pi === state.weightBp / WHOLE_BP ? [] : [...this.#others, cohort].slice(0, 3)
    if (this.#others.length === 3) this.#otherWeightsFrom ??= this.#others[0]!.openedAt
    const startsBlock =
      before !== undefined && cohort.epoch > before.epoch && cohort.step === before.step
    this.#rehearsal.open(cohort, startsBlock)
  }
}

function isMoved(before: Cohort, cohort: Cohort): boolean {
  return cohort.step !== before.step || cohort.pi !== before.pi
}
