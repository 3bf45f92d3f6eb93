import { BASELINE_SIDE, type Cohort, type EventTally } from '../domain/cohort.ts'
import { isFailedEnd, type JudgedOutcome } from '../domain/outcome.ts'
import { firstByteMs, leftAnswered } from './first-byte.ts'
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
  // without an answer and as slow ones, and are no errors of the variant. A deadline is both. Who stops
  // a stream that runs had an answer, of which enough was read.
  const isGood = outcome === 'ok' || outcome === 'client_error'
  const failed = isFailedEnd(outcome)
  const answered = isGood || outcome === 'failed' || outcome === 'stopped'
  const clientError = outcome === 'client_error'
  const request = { side: ticket.side!, unit: ticket.unit, first: ticket.first }
  const book = (id: string, isHarm: boolean, isProofEvent: boolean) =>
    bookEvent(cohort.tallies[id] as EventTally, request, isHarm, isProofEvent)
  for (const id of asked.failures) book(id, failed, failed)
  for (const id of asked.noAnswers) book(id, !answered, !answered)
  for (const id of asked.clientErrors) book(id, clientError, clientError)
  // A failure is slow, however fast it came: else a side would look the better the more it fails.
  for (const id of asked.latencies) bookTime(cohort, id, request, isGood ? durationMs : Infinity)
  for (const id of asked.firstBytes) {
    const isTimed = isGood || leftAnswered(ticket, outcome)
    const ms = isTimed ? firstByteMs(ticket, outcome, durationMs) : Infinity
    bookTime(cohort, id, request, ms)
  }
}

function bookTime(
  { tallies, terms }: Cohort,
  id: string,
  request: Parameters<typeof bookEvent>[1],
  ms: number,
): void {
  const thresholds = terms.thresholds[id]
  if (thresholds === undefined) return
  const { baselineMs, harmMs, proofMs } = thresholds
  const onBaseline = request.side === BASELINE_SIDE
  const isHarm = ms > (onBaseline ? baselineMs : harmMs)
  bookEvent(tallies[id] as EventTally, request, isHarm, ms > (onBaseline ? baselineMs : proofMs))
}
