import { lookup } from 'node:dns/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Listen } from '../config/config.ts'

/** A port whose connections are served by other processes. */
export type Door = {
  /** Resolves with its address, such as `127.0.0.1:8080`. */
  readonly listen: (place: Listen) => Promise<string>
  /** Accepts no more; what nobody was found for yet is cut. */
  readonly close: () => void
}

/** Takes a connection; resolves with false when it ended before it had it. */
export type TakeConnection = (socket: Socket) => Promise<boolean>

/**
 * Creates a port that accepts connections, reads nothing of them, and gives each to whoever `pick` names, and
 * to another where that one ends on the way. Where it names nobody (null), `refuse` has the last word.
 */
export function createDoor(
  pick: () => Promise<TakeConnection | null>,
  refuse: (socket: Socket) => void,
): Door {
  const servers: Server[] = []
  const waiting = new Set<Socket>()
  const place = async (socket: Socket) => {
    while (!socket.destroyed) {
      const take = await pick()
      if (take === null) return refuse(socket)
      if (await take(socket)) return
    }
  }
  const open = async (host: string, port: number): Promise<AddressInfo> => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      waiting.add(socket)
      socket.on('error', () => socket.destroy())
      void place(socket).finally(() => waiting.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port }, resolve)
    })
    servers.push(server)
    return server.address() as AddressInfo
  }

  return {
    listen: async ({ host, port }) => {
      const first = await open(host, port)
      // Whoever says localhost may come by IPv4 or IPv6.
      const all = host === 'localhost' ? await lookup(host, { all: true }) : []
      for (const { address } of all) {
        // A machine without one of the two is none the worse.
        if (address !== first.address) await open(address, first.port).catch(() => null)
      }
      const name = first.family === 'IPv6' ? `[${first.address}]` : first.address
      return `${name}:${first.port}`
    },
    close: () => {
      // Not waited for: connections that live on in workers would be.
      for (const server of servers) server.close()
      for (const socket of waiting) socket.destroy()
    },
  }
}
