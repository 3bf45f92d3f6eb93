import type { Hypothesis } from '../domain/hypothesis.ts'
import type { JudgedOutcome } from '../domain/outcome.ts'
import { bookOutcome } from './book-outcome.ts'
import type { Slot } from './cohort-slot.ts'
import { segmentQuestions, wholeQuestions, type Questions } from './questions.ts'
import type { Ticket } from './recorder.ts'

/** Books outcomes of requests into the tallies of their cohorts, and of their segments where these are asked about. */
export class OutcomeBook {
  readonly #whole: Questions
  readonly #bySegment: ReadonlyMap<string, Questions>

  constructor(hypotheses: readonly Hypothesis[]) {
    this.#whole = wholeQuestions(hypotheses)
    this.#bySegment = segmentQuestions(hypotheses)
  }

  /** Names of the segments that anything is asked of. */
  get segments(): readonly string[] {
    return [...this.#bySegment.keys()]
  }

  /** Books the outcome of a drawn request; `ticket.first` must be known. */
  book({ cohort, fastMs }: Slot, ticket: Ticket, outcome: JudgedOutcome, durationMs: number): void {
    // Of a later request of its key only harm counts: nothing has to be looked at to know that there is none.
    if (!ticket.first && outcome === 'ok' && durationMs <= fastMs) return
    bookOutcome(this.#whole, cohort, ticket, outcome, durationMs)
    // Nothing is asked of a segment's requests alone, or the request has none.
    const asked = ticket.segment === null ? undefined : this.#bySegment.get(ticket.segment)
    if (asked !== undefined) bookOutcome(asked, cohort, ticket, outcome, durationMs)
  }
}
