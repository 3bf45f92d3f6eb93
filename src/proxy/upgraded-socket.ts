import type { OutgoingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { lingerAndDestroy } from './linger.ts'

/** Node's way to the answer that is being written to a socket. */
type ServingSocket = Socket & { readonly _httpMessage?: OutgoingMessage | null }

/**
 * A client's connection that Node has taken out of its HTTP parser, until it is handed on. Node has taken
 * its listeners off as well, so what they did is done here: errors are heard, a client that leaves is
 * noticed, answers that wait for room go on. What the client sends meanwhile stays in the socket, and what
 * is more than its buffer takes, with the client.
 */
export class UpgradedSocket {
  readonly #socket: ServingSocket

  /** `early`: bytes that came together with the request. */
  constructor(socket: Socket, early: Buffer) {
    this.#socket = socket
    socket.on('error', destroyIt).on('end', endIt).on('drain', goOn)
    // Without it, a request before this one that is read to its end sets the socket flowing: bytes are lost.
    socket.on('readable', keepUnread)
    if (early.length > 0) socket.unshift(early)
  }

  /** Calls back when the answers to all requests before this one are out; never if the connection ends. */
  whenAnswered(then: () => void): void {
    const before = this.#socket._httpMessage
    // Node's own listener was there first: it has the next answer's turn begin, or the connection closed.
    if (before) before.once('finish', () => this.whenAnswered(then))
    else if (this.#socket.writable && !this.#socket.readableEnded) then()
  }

  /** Hands the connection on, as it was: without a listener of ours. */
  release(): Socket {
    const socket = this.#socket
    socket.off('error', destroyIt).off('end', endIt).off('drain', goOn).off('readable', keepUnread)
    // Node sets it when an answer is out, for the idle time until the next request.
    socket.setTimeout(0)
    return socket
  }

  /**
   * Closes the connection after the last answer, whose end a client should see that still sends (RFC 9112 section 9.6).
   */
  close(): void {
    const socket = this.#socket
    socket.off('readable', keepUnread)
    socket.end()
    lingerAndDestroy(socket)
  }
}

function destroyIt(this: Socket): void {
  this.destroy()
}

/** A client that says it is done before it has an answer has left, as for any other request. */
function endIt(this: Socket): void {
  this.destroySoon()
}

function goOn(this: ServingSocket): void {
  this._httpMessage?.emit('drain')
}

function keepUnread(): void {}
