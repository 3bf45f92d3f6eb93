/**
 * When what happened to a request, for the books and the access log: monotonic ms, 0 = it did not. Of
 * several attempts the last one's.
 */
export class Trace {
  /** The request's head was read. */
  readonly startedAt: number
  /** Its variant was chosen. */
  assignedAt = 0
  /** A place at the variant's door was there, and the first attempt began. */
  admittedAt = 0
  /** The attempt began. */
  attemptAt = 0
  /** A connection was there, and the request was being written. */
  sentAt = 0
  /** The head of the answer came. */
  headAt = 0
  /** The answer was handed over in full, or given up. */
  endAt = 0
  attempts = 0
  /** An attempt is under way. */
  isAttempting = false
  /** Time that attempts have taken, all of them together, in ms. */
  upstreamMs = 0
  /** Origin that the last attempt went to; empty = none was made. */
  upstream = ''
  /** Of the request body, those that were read before it was assigned. */
  requestBytes = 0

  constructor(now: number) {
    this.startedAt = now
  }

  beginAttempt(now: number, upstream: string): void {
    this.attempts++
    this.isAttempting = true
    if (this.admittedAt === 0) this.admittedAt = now
    this.attemptAt = now
    this.sentAt = 0
    this.upstream = upstream
  }

  endAttempt(now: number): void {
    this.isAttempting = false
    this.upstreamMs += now - this.attemptAt
  }
}
