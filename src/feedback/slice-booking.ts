import type { Prediction, UnitEvents } from '../domain/prediction.ts'
import type { FeedbackResult } from '../domain/prediction.ts'
import type { Booked, JoinRecord } from './join.ts'
import type { CountLines } from './report.ts'

type Place = { readonly record: number; readonly prediction: Prediction }

/** What a slice of feedback changes in the store. */
export type SliceChange = {
  readonly labels: readonly (Place & { readonly label: number })[]
  readonly events: readonly (Place & { readonly events: UnitEvents })[]
  readonly tallies: readonly (NonNullable<Booked['changed']> & { readonly service: string })[]
}

/** What one slice has booked and counted until it is in the store. */
export class SliceBooking {
  readonly #labels = new Map<number, SliceChange['labels'][number]>()
  readonly #events = new Map<number, SliceChange['events'][number]>()
  readonly #tallies = new Map<string, SliceChange['tallies'][number]>()
  readonly #lines = new Map<string, { service: string; result: FeedbackResult; lines: number }>()

  /** Nothing has to be stored. */
  get isEmpty(): boolean {
    return this.#labels.size + this.#events.size + this.#tallies.size === 0
  }

  /** Whether a label has joined the record in this slice. */
  hasLabel(record: number): boolean {
    return this.#labels.has(record)
  }

  addLabel({ record, prediction }: JoinRecord, label: number): void {
    this.#labels.set(record, { record, prediction, label })
  }

  /** What events have said of a record so far, this slice included. */
  eventsOf({ record, events }: JoinRecord): UnitEvents {
    return this.#events.get(record)?.events ?? events
  }

  setEvents({ record, prediction }: JoinRecord, events: UnitEvents): void {
    this.#events.set(record, { record, prediction, events })
  }

  /** The tallies are live: they are stored as they are when the slice is. */
  addTallies(
    service: string,
    { changed, alsoChanged = [] }: Pick<Booked, 'changed' | 'alsoChanged'>,
  ): void {
    const own = changed === null ? [] : [{ ...changed, service }]
    for (const each of [...own, ...alsoChanged]) {
      const { rollout, cohort, replica = '' } = each
      this.#tallies.set(`${each.service}\0${rollout}\0${cohort}\0${replica}`, each)
    }
  }

  addLine(service: string, result: FeedbackResult): void {
    const entry = this.#lines.get(`${service}\0${result}`)
    if (entry === undefined) this.#lines.set(`${service}\0${result}`, { service, result, lines: 1 })
    else entry.lines += 1
  }

  change(): SliceChange {
    return {
      labels: [...this.#labels.values()],
      events: [...this.#events.values()],
      tallies: [...this.#tallies.values()],
    }
  }

  countLines(count: CountLines): void {
    for (const { service, result, lines } of this.#lines.values()) count(service, result, lines)
  }
}
