import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { UpgradedSocket } from './upgraded-socket.ts'

/**
 * The answer to a WebSocket handshake. Used as it is, it is an ordinary answer that ends its connection;
 * for a session the connection is taken out of it.
 */
export class HandshakeResponse extends ServerResponse {
  readonly #held: UpgradedSocket

  constructor(req: IncomingMessage, held: UpgradedSocket) {
    super(req)
    this.#held = held
    this.shouldKeepAlive = false
    this.assignSocket(req.socket)
    this.once('finish', () => held.close())
  }

  /** Hands the bare connection over; nothing may have been written, and nothing can be any more. */
  takeSocket(): Socket {
    const socket = this.#held.release()
    this.detachSocket(socket)
    return socket
  }
}
