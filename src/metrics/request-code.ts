import type { AssignmentReason } from '../domain/assignment.ts'
import type { Outcome } from '../domain/outcome.ts'

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

/** A good answer all the same, but the client asked for something that there is not. */
export function isClientErrorEnd(outcome: Outcome, status: number): boolean {
  return outcome === 'ok' && status >= 400 && status < 500
}
