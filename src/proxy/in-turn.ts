import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Serve = (req: IncomingMessage, res: ServerResponse) => void

/** Requests of one connection that may wait for their turn before no more of it is read. */
const MOST_WAITING = 32

/**
 * Serves the requests of a connection one after the other: each when the answer before it is out, and not as soon as
 * its head is there, as Node hands it over. Only requests with safe methods may run at the same time (RFC 9112 section
 * 9.3.2): of a POST and a GET behind it, the GET could be first at the upstream.
 */
export function inTurn(serve: Serve): Serve {
  const waiting = new WeakMap<Socket, number>()
  const count = (socket: Socket, more: 1 | -1) => {
    const now = (waiting.get(socket) ?? 0) + more
    waiting.set(socket, now)
    return now
  }
  // Not at once: Node reads on when it comes to the end of a request.
  const holdBack = (socket: Socket) => {
    process.nextTick(() => {
      if (waiting.get(socket)! >= MOST_WAITING) socket.pause()
    })
  }
  return (req, res) => {
    // Node gives the connection to the response whose turn it is.
    if (res.socket !== null) return serve(req, res)
    const { socket } = req
    if (count(socket, 1) === MOST_WAITING) holdBack(socket)
    res.once('socket', () => {
      // To Node an answer is out, too, when the connection has broken off under it.
      if (socket.destroyed) return
      if (count(socket, -1) === MOST_WAITING - 1) socket.resume()
      serve(req, res)
    })
  }
}
