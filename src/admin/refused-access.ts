import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Clock } from '../domain/clock.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { LineAllowance } from '../domain/line-allowance.ts'

/** Told of a request to the admin port that has shown no token that may. */
export type NoteRefusedAccess = (request: FastifyRequest, code: ErrorCode) => void

/**
 * Builds what is told of requests that are turned away as strangers' (401, 403): each is counted by its code, and has a
 * line of the log with the peer and the route, but never with what it sent. Of each code five lines a second are
 * written, and the next one says how many were left out.
 */
export function buildNoteRefusedAccess({
  countRefusedAccess,
  log,
  clock,
}: {
  readonly countRefusedAccess: (code: ErrorCode) => void
  readonly log: Pick<FastifyBaseLogger, 'warn'>
  readonly clock: Pick<Clock, 'monotonic'>
}): NoteRefusedAccess {
  const lines = new LineAllowance<ErrorCode>()
  return ({ socket, method, routeOptions }, code) => {
    countRefusedAccess(code)
    const suppressed = lines.take(code, clock.monotonic())
    if (suppressed === null) return
    log.warn(
      { peer: socket.remoteAddress ?? null, method, route: routeOptions.url, code, suppressed },
      'the admin port turned a request away',
    )
  }
}
