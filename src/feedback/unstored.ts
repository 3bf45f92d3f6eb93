import type { FeedbackResult } from '../domain/prediction.ts'
import type { Booked } from './join.ts'
import type { CountLines } from './report.ts'

/** Tallies that have to be stored. */
export type ChangedTallies = NonNullable<Booked['changed']> & { readonly service: string }

/** What feedback has booked and counted until that is in the store. */
export class Unstored {
  readonly #tallies = new Map<string, ChangedTallies>()
  readonly #lines = new Map<string, { service: string; result: FeedbackResult; lines: number }>()

  /** They are live: they are stored as they are when that is done. */
  get tallies(): readonly ChangedTallies[] {
    return [...this.#tallies.values()]
  }

  addTallies(service: string, { changed, alsoChanged = [] }: Booked): void {
    const own = changed === null ? [] : [{ ...changed, service }]
    for (const each of [...own, ...alsoChanged]) {
      const { rollout, cohort, replica = '' } = each
      this.#tallies.set(`${each.service}\0${rollout}\0${cohort}\0${replica}`, each)
    }
  }

  /** A line about a request of a service. */
  addLine(service: string, result: FeedbackResult): void {
    const entry = this.#lines.get(`${service}\0${result}`)
    if (entry === undefined) this.#lines.set(`${service}\0${result}`, { service, result, lines: 1 })
    else entry.lines += 1
  }

  /** All of it is in the store: lines are counted for good. */
  stored(count: CountLines): void {
    for (const { service, result, lines } of this.#lines.values()) count(service, result, lines)
    this.#tallies.clear()
    this.#lines.clear()
  }
}
