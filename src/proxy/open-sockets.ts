import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Keeps hold of a server's connections. Node's `closeAllConnections` leaves out those that were
 * upgraded (WebSocket), and a peer that never closes one would keep the process alive.
 */
export function trackSockets(server: Server): { readonly destroyAll: () => void } {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    // A request whose upgrade is ignored comes in as a connection once more.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
  }
}
