import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'

/**
 * Has a server that closes look at the time limits of connections until the last of them has ended. Node's own `close`
 * ceases to at once: whoever has connected and sends no head, or half of one, would hold up the end of everything.
 */
export function watchUntilClosed(server: Server): void {
  const close = server.close.bind(server)
  server.close = (done) => {
    server.once('close', () => void close())
    server.closeIdleConnections()
    NetServer.prototype.close.call(server, done)
    return server
  }
}
