import { lookup } from 'node:dns/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Listen } from './config/config.ts'

/** A port that accepts connections for others to serve: other processes, or a server of this one that listens nowhere. */
export type Door = {
  /**
   * Resolves with its address, such as `127.0.0.1:8080`; of a name with several the first. `bound` may set limits of the
   * server at each of them.
   */
  readonly listen: (place: Listen, bound?: (server: Server) => void) => Promise<string>
  /** Accepts no more; what nobody was found for yet is cut. */
  readonly close: () => void
}

/** Takes a connection; resolves with false when it ended before it had it. */
export type TakeConnection = (socket: Socket) => Promise<boolean>

/** All addresses that a name leads to, in their order. */
export type AddressesOf = (name: string) => Promise<readonly string[]>

/** What a machine says that has not all of a name's addresses: it is none the worse without IPv6. */
const MISSING: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/**
 * Creates a port that accepts connections, reads nothing of them, and gives each to whoever `pick` names, and
 * to another where that one ends on the way. Where it names nobody (null), `refuse` has the last word. At `localhost` it
 * listens at all addresses of that name: clients come by IPv4 or IPv6, and the same text is to reach the same gateway.
 */
export function createDoor(
  pick: () => Promise<TakeConnection | null>,
  refuse: (socket: Socket) => void,
  addressesOf: AddressesOf = addressesBySystem,
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
  const open = async (
    host: string,
    port: number,
    bound?: (server: Server) => void,
  ): Promise<AddressInfo> => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      waiting.add(socket)
      socket.on('error', () => socket.destroy())
      void place(socket).finally(() => waiting.delete(socket))
    })
    bound?.(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port }, resolve)
    })
    servers.push(server)
    return server.address() as AddressInfo
  }

  return {
    listen: async ({ host, port }, bound) => {
      const first = await open(host, port, bound)
      const all = isLocalhost(host) ? await addressesOf(host) : []
      for (const address of all) {
        if (address === first.address) continue
        await open(address, first.port, bound).catch((error: NodeJS.ErrnoException) => {
          if (!MISSING.has(error.code)) throw error
        })
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

/** Whether a host to listen at is a name that leads to IPv4 and IPv6 (RFC 6761 section 6.3). */
export function isLocalhost(host: string): boolean {
  return host.toLowerCase() === 'localhost'
}

async function addressesBySystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}
