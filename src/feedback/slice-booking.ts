import type { FeedbackResult, Prediction, UnitEvents } from '../domain/prediction.ts'
import type { Asked, Booked, JoinRecord } from './join.ts'
import type { ReportDraft } from './report.ts'
import type { ChangedTallies, Unstored } from './unstored.ts'

type Place = { readonly record: number; readonly prediction: Prediction }

/** What a slice of feedback asks of the store. */
export type SliceChange = {
  /** To be taken: each has to be the first label of its record. */
  readonly labels: readonly (Place & { readonly label: number })[]
  /** To be taken: `before` is how many events the unit had when it was looked at. */
  readonly events: readonly (Place & { readonly before: number; readonly events: UnitEvents })[]
  /** To be stored: of what was booked before. */
  readonly tallies: readonly ChangedTallies[]
}

/** What of the labels and events was taken, in their order. */
export type TakenFeedback = {
  readonly labels: readonly boolean[]
  readonly events: readonly boolean[]
}

/** A line that will be counted if it is taken. `book` counts it, and says what has become of it. */
type Claimed = {
  readonly asked: Asked
  readonly match: JoinRecord
  readonly book: () => Booked
}

/** One slice on its way: first it is taken in the store, then booked. */
export class SliceBooking {
  readonly #unstored: Unstored
  readonly #labels = new Map<number, SliceChange['labels'][number]>()
  readonly #events = new Map<number, SliceChange['events'][number]>()
  #claimed: Claimed[] = []
  #change: SliceChange | null = null
  #isTaken = false

  /** `unstored`: what was booked before, and will be stored with what is taken. */
  constructor(unstored: Unstored) {
    this.#unstored = unstored
  }

  /** What has to be taken before anything is booked, the same object each time; null = nothing, or it is taken. */
  get change(): SliceChange | null {
    if (this.#isTaken || this.#claimed.length === 0) return null
    return (this.#change ??= {
      labels: [...this.#labels.values()],
      events: [...this.#events.values()],
      tallies: this.#unstored.tallies,
    })
  }

  /** Whether a label has joined the record in this slice. */
  hasLabel(record: number): boolean {
    return this.#labels.has(record)
  }

  /** A label that is the first of its record, as far as is known. */
  addLabel(asked: Asked, match: JoinRecord, label: number, book: Claimed['book']): void {
    const { record, prediction } = match
    this.#labels.set(record, { record, prediction, label })
    this.#claimed.push({ asked, match, book })
  }

  /** What events have said of a record so far, this slice included. */
  eventsOf({ record, events }: JoinRecord): UnitEvents {
    return this.#events.get(record)?.events ?? events
  }

  /** An event that makes `events` of what its unit had. */
  addEvent(asked: Asked, match: JoinRecord, events: UnitEvents, book: Claimed['book']): void {
    const { record, prediction } = match
    const before = match.events.seen.length
    this.#events.set(record, { record, prediction, before, events })
    this.#claimed.push({ asked, match, book })
  }

  /** What has become of a line about a request of a service. */
  addLine(
    service: string,
    result: Exclude<FeedbackResult, 'rejected'>,
    report: Pick<ReportDraft, 'add'>,
  ): void {
    report.add(result)
    this.#unstored.addLine(service, result)
  }

  /** The store has answered: gives the lines about records that somebody else was faster with. */
  take({ labels, events }: TakenFeedback): readonly Asked[] {
    this.#isTaken = true
    const lostOf = (records: Iterable<number>, taken: readonly boolean[]) =>
      new Set([...records].filter((_, index) => !taken[index]!))
    const lostLabels = lostOf(this.#labels.keys(), labels)
    const lostEvents = lostOf(this.#events.keys(), events)
    if (lostLabels.size + lostEvents.size === 0) return []
    const isLost = ({ asked: { line }, match: { record } }: Claimed) =>
      ('event' in line ? lostEvents : lostLabels).has(record)
    const lost = this.#claimed.filter(isLost).map(({ asked }) => asked)
    this.#claimed = this.#claimed.filter((each) => !isLost(each))
    return lost
  }

  /** Books what was taken, each line once, whatever fails. */
  book(): void {
    for (let next = this.#claimed.shift(); next !== undefined; next = this.#claimed.shift()) {
      const { service } = next.match.prediction
      const booked = next.book()
      this.#unstored.addTallies(service, booked)
      this.addLine(service, booked.result, next.asked.report)
    }
  }
}
