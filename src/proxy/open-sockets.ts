import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** The connections of a server. */
export type OpenSockets = {
  /** How many there are. */
  readonly count: () => number
  readonly destroyAll: () => void
  /** Resolves when there is none. */
  readonly allClosed: () => Promise<void>
}

/**
 * Keeps hold of a server's connections. Node's `closeAllConnections` leaves out those that were
 * upgraded (WebSocket), and a peer that never closes one would keep the process alive.
 */
export function trackSockets(server: Server): OpenSockets {
  const open = new Set<Socket>()
  const waiting: (() => void)[] = []
  server.on('connection', (socket) => {
    // A request whose upgrade is ignored comes in as a connection once more.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      if (open.size === 0) for (const resolve of waiting.splice(0)) resolve()
    })
  })
  return {
    count: () => open.size,
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
    allClosed: () =>
      new Promise((resolve) => {
        if (open.size === 0) resolve()
        else waiting.push(resolve)
      }),
  }
}
