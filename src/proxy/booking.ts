import type { Outcome } from '../domain/outcome.ts'
import type { Service } from '../domain/service.ts'
import type { AttemptResult, ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import type { PredictionReader } from './observe.ts'
import type { Trace } from './trace.ts'

/** What is left of an answer for the books. */
export type AnswerRemains = {
  readonly status: number
  /** The bytes, or null when they cannot be read. */
  readonly copy: readonly Buffer[] | null
  readonly copiedBytes: number
}

/** An assigned request in the books of its service: one outcome, and one prediction where it is read. */
export class Booking {
  readonly ticket: Ticket
  readonly #recorder: ServiceRecorder
  /** Where the prediction stands; null = none is kept. */
  readonly #pointer: string | null
  #isSettled = false
  #isClosed = false
  #isSession = false

  constructor(recorder: ServiceRecorder, ticket: Ticket, pointer: string | null) {
    this.#recorder = recorder
    this.ticket = ticket
    this.#pointer = pointer
  }

  /** A prediction is read from its answer. */
  get isObserved(): boolean {
    return this.#pointer !== null
  }

  /** The head of the answer came, at `now` (monotonic ms). */
  head(now: number): void {
    if (!this.#isClosed) this.#recorder.head(this.ticket, now)
  }

  /** The upstream broke off within its answer. */
  truncated(): void {
    this.#recorder.note('upstream_truncated')
  }

  /** Books the outcome before the end: the answer has run well for long enough. */
  settle(outcome: Outcome, status: number, trace: Trace, now: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    // What the attempt that still runs has taken so far belongs to the upstream as well.
    const running = trace.isAttempting ? now - trace.attemptAt : 0
    const upstreamMs = trace.attempts === 0 ? null : trace.upstreamMs + running
    this.#recorder.end(this.ticket, outcome, status, upstreamMs, now)
  }

  /** The upstream has agreed to a session: that is the outcome, and what follows is in flight until `close`. */
  opened(trace: Trace, now: number): void {
    if (this.#isClosed) return
    this.head(now)
    this.settle('ok', 101, trace, now)
    this.#isSession = true
    this.#recorder.sessionBegan(this.ticket.variant)
    // Nothing is read from it, and nobody has to wait until it ends to know that.
    if (this.#pointer !== null) this.#recorder.predicted(this.ticket, null)
  }

  /** Closes the entry; what comes later is nobody's outcome. */
  close(
    outcome: Outcome,
    status: number,
    trace: Trace,
    now: number,
    answer: AnswerRemains | null,
    predictions: PredictionReader,
  ): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isSession) {
      this.#recorder.sessionEnded(this.ticket.variant)
      return
    }
    this.settle(outcome, status, trace, now)
    if (this.#pointer === null) return
    const { ticket } = this
    const isGood = outcome === 'ok' && answer !== null && answer.status < 300
    if (isGood && answer.copy !== null) {
      const { copy: chunks, copiedBytes: bytes } = answer
      predictions.add({ recorder: this.#recorder, ticket, pointer: this.#pointer, chunks, bytes })
      return
    }
    if (isGood) this.#recorder.note('prediction_unreadable')
    this.#recorder.predicted(ticket, null)
  }
}

/** What an answer with this status means for the variant. */
export function outcomeOf(status: number, service: Service): Outcome {
  return isFailure(status, service) ? 'failed' : 'ok'
}

/** Whether an answer with this status is the variant's failure: 500 and above, or what the service lists. */
export function isFailure(status: number, { failureStatuses }: Service): boolean {
  return failureStatuses === null ? status >= 500 : failureStatuses.includes(status)
}

/** What an attempt's result is called. */
export function resultOf(outcome: Outcome): AttemptResult {
  if (outcome === 'ok' || outcome === 'failed') return outcome
  return outcome === 'no_answer' ? 'timeout' : 'aborted'
}
