import type { Assignment } from '../../src/domain/assignment.ts'
import { BASELINE_SIDE } from '../../src/domain/cohort.ts'
import type { ErrorCode } from '../../src/domain/errors.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type {
  AttemptResult,
  FallbackResult,
  RequestNote,
  ServiceRecorder,
  Ticket,
} from '../../src/metrics/recorder.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'

/** The end of a request as it was booked. */
export type BookedEnd = {
  readonly variant: string
  readonly outcome: Outcome
  readonly status: number
  readonly upstreamMs: number | null
  /** Null = the upstream's own answer. */
  readonly code: ErrorCode | null
  /** Its client left a stream that was running. */
  readonly stopped: boolean
}

/** Keeps what the data plane tells, and lets a test wait for it. */
export class FakeRecorder implements ServiceRecorder {
  readonly begun: {
    readonly assignment: Assignment
    readonly requestId: string
    readonly observed: boolean
  }[] = []
  heads = 0
  timesFirstBytes = false
  /** When the first bytes came, by variant. */
  readonly firstBytes: { readonly variant: string; readonly now: number }[] = []
  /** WebSocket sessions that are open. */
  sessions = 0
  readonly ends: BookedEnd[] = []
  readonly predictions: { readonly requestId: string; readonly value: number | null }[] = []
  /** What was read beside the predictions, in the same order. */
  readonly numbers: Readonly<Record<string, number | null>>[] = []
  readonly attempts: { variant: string; upstream: string; result: AttemptResult }[] = []
  readonly notes: RequestNote[] = []
  readonly fallbacks: FallbackResult[] = []
  #wake: (() => void)[] = []

  begin = (assignment: Assignment, requestId: string, now: number, observed: boolean): Ticket => {
    this.begun.push({ assignment, requestId, observed })
    this.#changed()
    return {
      variant: assignment.variant,
      book: new VariantBook(assignment.variant, '1'),
      reason: assignment.reason,
      requestId,
      side: assignment.variant === 'baseline' ? BASELINE_SIDE : null,
      cohort: null,
      slot: null,
      unit: assignment.unit,
      first: true,
      claim: null,
      segment: assignment.segment ?? null,
      startedAt: now,
      startedWall: 0,
      headAt: null,
      firstByteAt: null,
      stopped: false,
      compared: [],
      ruled: null,
      pair: null,
      place: -1,
      done: false,
    }
  }

  head = (): void => {
    this.heads++
    this.#changed()
  }

  firstByte = (ticket: Ticket, now: number): void => {
    ticket.firstByteAt = now
    this.firstBytes.push({ variant: ticket.variant, now })
    this.#changed()
  }

  end = (
    ticket: Ticket,
    outcome: Outcome,
    status: number,
    upstreamMs: number | null,
    _now: number,
    code: ErrorCode | null = null,
  ): void => {
    if (ticket.done) throw new Error('a ticket was ended twice')
    ticket.done = true
    const { variant, stopped } = ticket
    this.ends.push({ variant, outcome, status, upstreamMs, code, stopped })
    this.#changed()
  }

  sessionBegan = (): void => {
    this.sessions++
    this.#changed()
  }

  sessionEnded = (): void => {
    this.sessions--
    this.#changed()
  }

  predicted = (
    ticket: Ticket,
    value: number | null,
    numbers: Readonly<Record<string, number | null>> = {},
  ): void => {
    this.predictions.push({ requestId: ticket.requestId, value })
    this.numbers.push(numbers)
    this.#changed()
  }

  attempt = (_of: Ticket, variant: string, upstream: string, result: AttemptResult): void => {
    this.attempts.push({ variant, upstream, result })
    this.#changed()
  }

  fallback = (result: FallbackResult): void => {
    this.fallbacks.push(result)
    this.#changed()
  }

  unreadable = (): void => this.note('prediction_unreadable')

  note = (what: RequestNote): void => {
    this.notes.push(what)
    this.#changed()
  }

  /** Waits until the condition holds; looks at every call of the recorder. */
  async until(condition: (recorder: this) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** The n-th end, when it is booked. */
  async ended(count = 1): Promise<BookedEnd> {
    await this.until(({ ends }) => ends.length >= count)
    return this.ends[count - 1]!
  }

  #changed(): void {
    const waiting = this.#wake
    this.#wake = []
    // Later, when the caller has told everything that belongs together.
    setImmediate(() => {
      for (const wake of waiting) wake()
    })
  }
}
