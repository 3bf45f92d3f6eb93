import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Readies an admin server whose connections are accepted by another process. Each of them carries one
 * request, so that the next one comes to whoever decides by then.
 */
export async function standBy(admin: FastifyInstance): Promise<null> {
  admin.server.maxRequestsPerSocket = 1
  await admin.ready()
  return null
}

/** Serves a connection that another process accepted, and read nothing of. */
export function serveHanded(admin: FastifyInstance, socket: Socket): void {
  admin.server.emit('connection', socket)
  socket.resume()
}
