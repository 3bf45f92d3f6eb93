import { BASELINE_SIDE } from '../domain/cohort.ts'
import type { JudgedOutcome } from '../domain/outcome.ts'
import type { CohortLedger } from './cohort-ledger.ts'
import type { ComparedTicket, Ticket } from './recorder.ts'

/** Of a request that is compared nowhere. */
export const NO_PLACES: readonly ComparedTicket[] = []

/**
 * The ledgers of an experiment, one for each challenger: a draw for a challenger is booked into its own,
 * one for the baseline into all of them. So each ledger has seen the draws for its two variants alone.
 */
export class ComparisonBooks {
  readonly #ledgers = new Map<string, CohortLedger>()
  // Asked for every request: the size of a map lies further away than a field.
  #isEmpty = true

  /** Books draws for this challenger into another ledger from now on; null = no longer. */
  use(challenger: string, ledger: CohortLedger | null): void {
    if (ledger === null) this.#ledgers.delete(challenger)
    else this.#ledgers.set(challenger, ledger)
    this.#isEmpty = this.#ledgers.size === 0
  }

  has(challenger: string): boolean {
    return this.#ledgers.has(challenger)
  }

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /**
   * Books a drawn request and gives the ticket its places, none where no comparison counts it. A key that somebody
   * else may have judged is claimed once, for all of them.
   */
  begin(ticket: Ticket, observed: boolean, numbers: ReadonlyMap<string, number> | null): void {
    const { variant, side, unit, segment } = ticket
    const places: ComparedTicket[] = []
    for (const [challenger, ledger] of this.#ledgers) {
      if (side !== BASELINE_SIDE && challenger !== variant) continue
      const judged = ledger.assign(side!, unit, observed, segment, numbers, ticket.claim)
      if (judged === null) continue
      ticket.claim ??= judged.claim
      const place = { challenger, ticket: { ...ticket, ...judged } }
      place.ticket.claim?.whenKnown((first) => (place.ticket.first = first))
      ledger.track(place.ticket)
      places.push(place)
    }
    ticket.compared = places
  }

  /** Books the one outcome of a request in all of its places. */
  settle({ compared }: Ticket, outcome: JudgedOutcome, durationMs: number): void {
    for (const { challenger, ticket } of compared) {
      this.#ledgers.get(challenger)?.settle(ticket, outcome, durationMs)
    }
  }

  /** Books the numbers of a request's answer, by pointer, in all of its places that judge it. */
  answer({ compared }: Ticket, numbers: Readonly<Record<string, number | null>>): void {
    for (const { challenger, ticket } of compared) {
      if (ticket.first) this.#ledgers.get(challenger)?.answer(ticket, numbers)
    }
  }

  /** Counts the prediction of a request in all of its places, for drift. */
  predicted({ compared }: Ticket, value: number): void {
    for (const { challenger, ticket } of compared) {
      this.#ledgers.get(challenger)?.predicted(ticket, value)
    }
  }
}
