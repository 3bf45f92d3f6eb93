import type { AssignmentReason } from '../domain/assignment.ts'
import { errorEntry } from '../domain/errors.ts'
import { isFailedEnd, type JudgedOutcome, type Outcome } from '../domain/outcome.ts'

const OUTCOMES: readonly Outcome[] = ['ok', 'failed', 'client_closed', 'rejected', 'no_answer']
const REASONS: readonly AssignmentReason[] = ['override', 'rule', 'key', 'random']

/** What a request was and how it ended. `status` as sent to the client; 0 = nothing was sent. */
export type RequestEnd = {
  readonly outcome: Outcome
  readonly status: number
  readonly reason: AssignmentReason
}

/** The same as one whole number: as a key it is compared at once, where a string would be built and hashed. */
export function requestCode({ outcome, status, reason }: RequestEnd): number {
  return status * 32 + OUTCOMES.indexOf(outcome) * 4 + REASONS.indexOf(reason)
}

/** What `requestCode` made the number of. */
export function readRequestCode(code: number): RequestEnd {
  return { outcome: OUTCOMES[(code >> 2) & 7]!, status: code >> 5, reason: REASONS[code & 3]! }
}

/**
 * What an end says to the breaker. `left`: the client left before the head of an answer came; one that leaves within an
 * answer, as the reader of a stream may, and one whose own request was at fault are `good`, as all is that is no fault.
 */
export type AttemptEnd = 'good' | 'failed' | 'client_error' | 'left'

/** The end that an outcome with this status stands for. */
export function attemptEndOf(outcome: Outcome, status: number): AttemptEnd {
  if (isFailedEnd(outcome)) return 'failed'
  if (isClientErrorEnd(outcome, status)) return 'client_error'
  return outcome === 'client_closed' && status === UNANSWERED ? 'left' : 'good'
}

/** What stands in the books in place of a status where none was sent. */
const UNANSWERED = errorEntry('SERIN_CLIENT_CLOSED').status

/** The end of a request as the evidence has it; `stopped`: its client left a stream that was running. */
export function judgedEnd(outcome: Outcome, status: number, stopped: boolean): JudgedOutcome {
  if (isClientErrorEnd(outcome, status)) return 'client_error'
  return outcome === 'client_closed' && stopped ? 'stopped' : outcome
}

/** A good answer all the same, but the client asked for something that there is not. */
export function isClientErrorEnd(outcome: Outcome, status: number): boolean {
  return outcome === 'ok' && status >= 400 && status < 500
}
