import { BASELINE_SIDE, type Cohort, type EventTally } from '../domain/cohort.ts'
import { isFailedEnd, type JudgedOutcome } from '../domain/outcome.ts'
import type { Questions } from './questions.ts'
import type { Ticket } from './recorder.ts'
import { bookEvent } from './tally.ts'

/** Books a drawn request's outcome under each question that is asked of it: failed, slow, without an answer, with a 4xx. */
export function bookOutcome(
  asked: Questions,
  cohort: Cohort,
  ticket: Ticket,
  outcome: JudgedOutcome,
  durationMs: number,
): void {
  // Client aborts and full queues are what slowness causes: they stay in the sample as requests
  // without an answer and as slow ones, and are no errors of the variant. A deadline is both.
  const isGood = outcome === 'ok' || outcome === 'client_error'
  const failed = isFailedEnd(outcome)
  const answered = isGood || outcome === 'failed'
  const clientError = outcome === 'client_error'
  const request = { side: ticket.side!, unit: ticket.unit, first: ticket.first }
  const book = (id: string, isHarm: boolean, isProofEvent: boolean) =>
    bookEvent(cohort.tallies[id] as EventTally, request, isHarm, isProofEvent)
  for (const id of asked.failures) book(id, failed, failed)
  for (const id of asked.noAnswers) book(id, !answered, !answered)
  for (const id of asked.clientErrors) book(id, clientError, clientError)
  for (const id of asked.latencies) {
    const terms = cohort.terms.thresholds[id]
    if (terms === undefined) continue
    const onBaseline = ticket.side === BASELINE_SIDE
    const harmMs = onBaseline ? terms.baselineMs : terms.harmMs
    const proofMs = onBaseline ? terms.baselineMs : terms.proofMs
    // A failure is slow, however fast it came: else a side would look the better the more it fails.
    const slow = !isGood
    book(id, slow || durationMs > harmMs, slow || durationMs > proofMs)
  }
}
