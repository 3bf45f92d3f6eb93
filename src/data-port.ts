import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Listen } from './config/config.ts'
import type { Clock } from './domain/clock.ts'
import {
  createDoor,
  isLocalhost,
  type AddressesOf,
  type Door,
  type TakeConnection,
} from './door.ts'
import { closeHanded, serveHanded, standBy } from './handed-server.ts'
import type { OpenSockets } from './proxy/open-sockets.ts'
import { takeInArrived } from './proxy/take-in-arrived.ts'

/** Where the requests of a gateway come in. */
export type DataPort = {
  /** Opens it; resolves with its address, or null where another process accepts its connections. */
  readonly listen: (place: Listen) => Promise<string | null>
  /** Accepts no more, ends idle connections, and resolves when the others have ended. */
  readonly close: () => Promise<void>
}

/** What a port needs beside its server. */
export type DataPortDeps = {
  /** The server's connections. */
  readonly sockets: OpenSockets
  readonly clock: Pick<Clock, 'monotonic'>
  /** No other process accepts its connections. */
  readonly isAlone: boolean
  /** Else the system says. */
  readonly addressesOf?: AddressesOf
}

/** Makes the port of a server. One of its own listens at `localhost` by IPv4 and IPv6, as it does with workers. */
export function createDataPort(app: FastifyInstance, deps: DataPortDeps): DataPort {
  const { sockets, clock, isAlone, addressesOf } = deps
  let door: Door | null = null

  const openDoor = async (place: Listen): Promise<string> => {
    await standBy(app)
    const take: TakeConnection = async (socket) => {
      serveHanded(app, socket, sockets)
      return true
    }
    door = createDoor(
      async () => take,
      (socket) => socket.destroy(),
      addressesOf,
    )
    return `http://${await door.listen(place)}`
  }

  return {
    listen: async (place) => {
      if (!isAlone) return standBy(app)
      const address = await (isLocalhost(place.host) ? openDoor(place) : app.listen({ ...place }))
      return app.server instanceof TlsServer ? address.replace('http:', 'https:') : address
    },
    close: async () => {
      if (isAlone && door === null) return app.close()
      if (door !== null) {
        // Before the port closes, as where the server listens itself.
        await takeInArrived(clock.monotonic)
        door.close()
      }
      await closeHanded(app, sockets)
    },
  }
}
