/**
 * What became of a request, booked once and to the assigned variant:
 * `failed` = 5xx or a gateway error with an upstream cause; `client_closed` = the client left first;
 * `rejected` = the queue was full or its deadline passed; `no_answer` = one of our timeouts.
 */
export type Outcome = 'ok' | 'failed' | 'client_closed' | 'rejected' | 'no_answer'

/**
 * An outcome as the evidence has it: of the good answers, those with a 4xx are told apart; `stopped` = of those that a
 * client left, a stream that was running; `unsettled` = none was known by the time that its cohort is settled.
 */
export type JudgedOutcome = Outcome | 'client_error' | 'stopped' | 'unsettled'

/**
 * Whether the variant has failed a request: the one definition for evidence, limits, breaker, metrics and mirrors. A
 * deadline of ours that the variant did not keep is a failure; a client that left, or found no place at the door, is none.
 */
export function isFailedEnd(outcome: JudgedOutcome): boolean {
  return outcome === 'failed' || outcome === 'no_answer'
}

/** A stream that has run well for this long counts as answered; what has no head by then is no failure, but without an answer. */
export const SETTLE_MS = 30_000
