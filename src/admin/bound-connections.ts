import type { Server } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../domain/clock.ts'

/** How often at most idle connections are looked for: whoever connects very often must not have it done each time. */
const MAKE_ROOM_MS = 1_000

/**
 * What one who connects to the admin port may take, as options of its server. A stream of events is an answer: it may
 * last as long as it is written to.
 */
export const CONNECTION_LIMITS = {
  /** Of a whole request, body included: the largest post of feedback at 5 Mbit/s. */
  requestTimeout: 30_000,
  /** Nothing came and nothing could be written: whoever reads no answer. Events have a heartbeat. */
  connectionTimeout: 300_000,
  http: {
    /** Of its head, from the connection on. */
    headersTimeout: 10_000,
    /** How precise both are. */
    connectionsCheckingInterval: 1_000,
  },
} as const

/**
 * Where the server's `maxConnections` are open, idle ones are closed, so that who was turned away finds room when it
 * comes again. The log says so once.
 */
export function makeRoom(
  server: Server,
  {
    clock,
    log,
  }: { readonly clock: Pick<Clock, 'monotonic'>; readonly log: Pick<FastifyBaseLogger, 'error'> },
): void {
  let madeRoomAt = -Infinity
  server.on('drop', () => {
    const now = clock.monotonic()
    if (now - madeRoomAt < MAKE_ROOM_MS) return
    madeRoomAt = now
    server.closeIdleConnections()
  })
  server.once('drop', () => {
    const most = server.maxConnections
    log.error({ most }, 'connections to the admin port are closed at once: too many are open')
  })
}
