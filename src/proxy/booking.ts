import type { Clock } from '../domain/clock.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { AttemptResult, ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import type { PredictionReader } from './observe.ts'

/** What is left of an answer for the books. */
export type AnswerRemains = {
  readonly status: number
  /** The bytes, or null when they cannot be read. */
  readonly copy: readonly Buffer[] | null
  readonly copiedBytes: number
}

/** An assigned request in the books of its service: one outcome, one attempt result, one prediction. */
export class Booking {
  readonly ticket: Ticket
  readonly #recorder: ServiceRecorder
  readonly #clock: Clock
  readonly #dispatchedAt: number
  #headAt = 0
  #isSettled = false

  constructor(recorder: ServiceRecorder, ticket: Ticket, clock: Clock) {
    this.#recorder = recorder
    this.ticket = ticket
    this.#clock = clock
    this.#dispatchedAt = ticket.startedAt
  }

  head(status: number): void {
    this.#headAt = this.#clock.monotonic()
    this.#recorder.head(this.ticket, status)
  }

  /** An answer that has streamed for `settleMs` is booked as its head said: it has run well for long enough. */
  streamed(status: number, settleMs: number): void {
    if (this.#isSettled || this.#clock.monotonic() - this.#headAt < settleMs) return
    this.#settle(outcomeOf(status), status)
  }

  /** The upstream broke off within its answer. */
  truncated(): void {
    this.#recorder.note('upstream_truncated')
  }

  /** Closes the entry; once. `pointer`: where the prediction stands, null = none is kept. */
  close(
    outcome: Outcome,
    status: number,
    upstream: string,
    pointer: string | null,
    answer: AnswerRemains | null,
    predictions: PredictionReader,
  ): void {
    const { ticket } = this
    if (!this.#isSettled) this.#settle(outcome, status)
    this.#recorder.attempt(ticket.variant, upstream, resultOf(outcome))
    if (pointer === null) return
    const isGood = outcome === 'ok' && answer !== null && answer.status < 300
    if (isGood && answer.copy !== null) {
      const { copy: chunks, copiedBytes: bytes } = answer
      predictions.add({ recorder: this.#recorder, ticket, pointer, chunks, bytes })
      return
    }
    if (isGood) this.#recorder.note('prediction_unreadable')
    this.#recorder.predicted(ticket, null)
  }

  #settle(outcome: Outcome, status: number): void {
    this.#isSettled = true
    const upstreamMs = this.#clock.monotonic() - this.#dispatchedAt
    this.#recorder.end(this.ticket, outcome, status, upstreamMs)
  }
}

/** The outcome of an answer that came in full: a server error is the variant's failure. */
export function outcomeOf(status: number): Outcome {
  return status >= 500 ? 'failed' : 'ok'
}

function resultOf(outcome: Outcome): AttemptResult {
  if (outcome === 'ok' || outcome === 'failed') return outcome
  return outcome === 'no_answer' ? 'timeout' : 'aborted'
}
