import type { Server } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'

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
export function makeRoom(server: Server, log: Pick<FastifyBaseLogger, 'error'>): void {
  server.on('drop', () => server.closeIdleConnections())
  server.once('drop', () => {
    const most = server.maxConnections
    log.error({ most }, 'connections to the admin port are closed at once: too many are open')
  })
}
