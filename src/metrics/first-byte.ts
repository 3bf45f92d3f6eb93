import { isFailedEnd, type JudgedOutcome } from '../domain/outcome.ts'
import type { Ticket } from './recorder.ts'

type Begun = Pick<Ticket, 'startedAt' | 'firstByteAt'>

/**
 * Time from the arrival of a request until the first byte of its answer's body, in ms: the head's where a good answer has no
 * body. Without one it is the time that the request took, and of one that failed whatever came of its answer.
 */
export function firstByteMs(
  { startedAt, firstByteAt }: Begun,
  outcome: JudgedOutcome,
  durationMs: number,
): number {
  if (firstByteAt === null || isFailedEnd(outcome)) return durationMs
  return Math.max(firstByteAt - startedAt, 0)
}

/** Whether a client left while its answer was coming: it knows how long that let it wait. */
export function leftAnswered({ firstByteAt }: Begun, outcome: JudgedOutcome): boolean {
  return (outcome === 'client_closed' || outcome === 'stopped') && firstByteAt !== null
}
