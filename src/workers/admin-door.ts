import { lookup } from 'node:dns/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Listen } from '../config/config.ts'
import { errorEntry } from '../domain/errors.ts'

/** The admin port, before it is known who answers. */
export type AdminDoor = {
  /** Resolves with its address. */
  readonly listen: (place: Listen) => Promise<string>
  readonly close: () => Promise<void>
}

/** Who a connection is given to. */
export type Answerer = { readonly handOver: (socket: Socket) => void }

/**
 * Creates a port that accepts connections, reads nothing of them, and gives each to whoever `pick` names;
 * null = nobody can answer, and the client hears 503.
 */
export function createAdminDoor(pick: () => Promise<Answerer | null>): AdminDoor {
  const servers: Server[] = []
  const waiting = new Set<Socket>()
  const accept = (socket: Socket) => {
    waiting.add(socket)
    socket.on('error', () => socket.destroy())
    void pick().then((worker) => {
      waiting.delete(socket)
      if (socket.destroyed) return
      if (worker === null) refuse(socket)
      else worker.handOver(socket)
    })
  }
  const open = async (host: string, port: number): Promise<AddressInfo> => {
    const server = createServer({ pauseOnConnect: true }, accept)
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
      return `http://${name}:${first.port}`
    },
    close: async () => {
      for (const socket of waiting) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

function refuse(socket: Socket): void {
  const code = 'SERIN_NO_WORKER'
  const { status, title, detail } = errorEntry(code)
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail })
  socket.resume()
  socket.end(
    `HTTP/1.1 ${status} Service Unavailable\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}
