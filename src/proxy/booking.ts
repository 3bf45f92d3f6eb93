import type { Clock } from '../domain/clock.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { ObserveSpec, Service } from '../domain/service.ts'
import type { AttemptResult, ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import { endsInError, type AnswerCopy, type PredictionReader } from './observe.ts'
import type { StreamTail } from './stream-tail.ts'
import type { Trace } from './trace.ts'

/** Who leaves a stream that has said nothing for so long leaves it for that. */
const PAUSE_MS = 5000

/** What is left of an answer for the books. */
export type AnswerRemains = {
  readonly status: number
  readonly isEventStream: boolean
  /** The bytes, or null when they cannot be read. */
  readonly copy: readonly Buffer[] | null
  readonly copiedBytes: number
  /** Of a stream of events the end, or null when it cannot be read. */
  readonly tail: StreamTail | null
}

/** What becomes of an answer beside its way to the client. */
export type AnswerWatch = {
  /** Where what is read from it stands; null = nothing is read. */
  readonly reads: Pick<ObserveSpec, 'prediction' | 'numbers'> | null
  /** Where a stream says at its end that it has failed; null = that is not looked for. */
  readonly streamError: string | null
  /** The request is remembered for its events all the same. */
  readonly isKept: boolean
}

/** An assigned request in the books of its service: one outcome, and one prediction where it is read. */
export class Booking {
  readonly ticket: Ticket
  readonly #recorder: ServiceRecorder
  readonly #watch: AnswerWatch
  #isSettled = false
  #isClosed = false
  #isSession = false
  /** When a part of its answer's body came last. */
  #chunkAt = -Infinity
  /** The first byte of its answer's body is waited for. */
  #awaitsByte = false

  constructor(recorder: ServiceRecorder, ticket: Ticket, watch: AnswerWatch) {
    this.#recorder = recorder
    this.ticket = ticket
    this.#watch = watch
  }

  /** Something is read from its answer. */
  get isObserved(): boolean {
    return this.#watch.reads !== null
  }

  /** The head of the answer came, at `now` (monotonic ms); `outcome`: what its status means. */
  head(now: number, outcome: Outcome): void {
    if (this.#isClosed) return
    this.#recorder.head(this.ticket, now)
    // Of a failure the body is an excuse.
    this.#awaitsByte = this.#recorder.timesFirstBytes && outcome === 'ok'
  }

  /** A part of the answer's body came, at about `now` (monotonic ms; the clock is exact, and dearer). */
  chunk(clock: Clock, now: number): void {
    this.#chunkAt = now
    if (!this.#awaitsByte) return
    this.#awaitsByte = false
    if (!this.#isClosed) this.#recorder.firstByte(this.ticket, clock.monotonic())
  }

  /** The upstream broke off within its answer. */
  truncated(): void {
    this.#recorder.note('upstream_truncated')
  }

  /** Something is read from the end of its answer, where that is a stream of events. */
  get wantsTail(): boolean {
    return this.isObserved || this.#watch.streamError !== null
  }

  /** What a whole stream says at its end of its failure; null = nothing, or nobody asks. */
  errorIn(tail: StreamTail | null): ErrorCode | null {
    const { streamError } = this.#watch
    if (tail === null || streamError === null || !endsInError(tail, streamError)) return null
    this.#recorder.note('stream_error')
    return 'SERIN_UPSTREAM_STREAM_ERROR'
  }

  /** Books the outcome before the end: the answer has run well for long enough. */
  settle(
    outcome: Outcome,
    status: number,
    trace: Trace,
    now: number,
    code: ErrorCode | null = null,
  ): void {
    if (this.#isSettled) return
    this.#isSettled = true
    // What the attempt that still runs has taken so far belongs to the upstream as well.
    const running = trace.isAttempting ? now - trace.attemptAt : 0
    const upstreamMs = trace.attempts === 0 ? null : trace.upstreamMs + running
    this.#recorder.end(this.ticket, outcome, status, upstreamMs, now, code)
  }

  /** The upstream has agreed to a session: that is the outcome, and what follows is in flight until `close`. */
  opened(trace: Trace, now: number): void {
    if (this.#isClosed) return
    this.head(now, 'ok')
    this.settle('ok', 101, trace, now)
    this.#isSession = true
    this.#recorder.sessionBegan(this.ticket.variant)
    // Nothing is read from it, and nobody has to wait until it ends to know that.
    this.#predictNothing()
  }

  /** Closes the entry; what comes later is nobody's outcome. */
  close(
    outcome: Outcome,
    status: number,
    trace: Trace,
    now: number,
    answer: AnswerRemains | null,
    predictions: PredictionReader,
    code: ErrorCode | null,
  ): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isSession) {
      this.#recorder.sessionEnded(this.ticket.variant)
      return
    }
    if (outcome === 'client_closed') this.ticket.stopped = this.#isRunning(answer, now)
    this.settle(outcome, status, trace, now, code)
    const { reads } = this.#watch
    const isGood = outcome === 'ok' && answer !== null && answer.status < 300
    const read = reads !== null && isGood ? legibleOf(answer) : null
    if (reads !== null && read !== null) {
      const { prediction: pointer, numbers } = reads
      const { ticket } = this
      const { chunks, bytes, stream } = read
      predictions.add({ recorder: this.#recorder, ticket, pointer, numbers, chunks, bytes, stream })
      return
    }
    if (isGood && reads !== null && reads.prediction !== null) {
      this.#recorder.unreadable(this.ticket)
    }
    this.#predictNothing()
  }

  /** Its answer is a stream of events, which come: who leaves has had of them what it wanted. */
  #isRunning(answer: AnswerRemains | null, now: number): boolean {
    const isStream = answer !== null && answer.isEventStream && answer.status < 300
    return isStream && now - this.#chunkAt < PAUSE_MS
  }

  #predictNothing(): void {
    const { reads, isKept } = this.#watch
    if (reads !== null || isKept) this.#recorder.predicted(this.ticket, null, {})
  }
}

/** What of an answer can be read; null = nothing. */
function legibleOf({
  copy,
  copiedBytes,
  tail,
}: AnswerRemains): Pick<AnswerCopy, 'chunks' | 'bytes' | 'stream'> | null {
  if (copy !== null) return { chunks: copy, bytes: copiedBytes, stream: null }
  return tail === null ? null : { chunks: tail.chunks, bytes: tail.bytes, stream: tail }
}

/** Decides for one request whether something is read from its answer: before the answer is known. */
export function watchAnswer({ observe, streamError }: Service, draw: () => number): AnswerWatch {
  const { prediction, numbers, sample, awaitsEvents } = observe
  const isAsked = prediction !== null || numbers.length > 0
  const isRead = isAsked && (sample === 1 || draw() < sample)
  const reads = isRead ? observe : null
  return { reads, streamError: streamError ?? null, isKept: awaitsEvents }
}

/** What an answer with this status, and with this error at its end, means for the variant. */
export function outcomeOf(
  status: number,
  service: Service,
  code: ErrorCode | null = null,
): Outcome {
  return code !== null || isFailure(status, service) ? 'failed' : 'ok'
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
