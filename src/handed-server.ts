import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { OpenSockets } from './proxy/open-sockets.ts'

/** Readies a server whose connections are accepted by another process. */
export async function standBy(app: FastifyInstance): Promise<null> {
  await app.ready()
  // From then on Node watches the time limits of connections.
  app.server.emit('listening')
  return null
}

/**
 * Serves a connection that another process accepted, and read nothing of; where the server has `maxConnections` of
 * them (`sockets`), it ends and the server says `drop`, as where it listens itself.
 */
export function serveHanded(app: FastifyInstance, socket: Socket, sockets: OpenSockets): void {
  if (sockets.count() >= app.server.maxConnections) {
    socket.destroy()
    app.server.emit('drop')
    return
  }
  // What Node's own server gives the connections that it accepts; over TLS no half of one stays open.
  socket.allowHalfOpen = !(app.server instanceof TlsServer)
  socket.setNoDelay(true)
  app.server.emit('connection', socket)
  socket.resume()
}

/** Ends idle connections and waits for the others, as `close()` does where a server listens itself. */
export async function closeHanded(app: FastifyInstance, sockets: OpenSockets): Promise<void> {
  await app.close()
  app.server.closeIdleConnections()
  await sockets.allClosed()
  app.server.close()
}
