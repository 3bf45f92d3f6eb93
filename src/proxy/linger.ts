import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Most of an unread request body that is still read after the answer. */
const LINGER_BYTES = 512 * 1024

/** Longest time that it is read for. */
const LINGER_MS = 2_000

const lingering = new WeakSet<ServerResponse>()

/**
 * Ends an answer whose request was not read to its end. Closing the connection at once would make the
 * kernel reset it, and the client could lose the answer (RFC 9112 section 9.6): so what still arrives is
 * read and thrown away, for a while, before the connection closes. The answer must have said
 * `Connection: close` and be written.
 */
export function lingerAndEnd(req: IncomingMessage, res: ServerResponse): void {
  lingering.add(res)
  let left = LINGER_BYTES
  const finish = () => {
    clearTimeout(timer)
    req.off('data', onData).off('end', finish)
    res.end()
  }
  const onData = (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) finish()
  }
  const timer = setTimeout(finish, LINGER_MS)
  res.once('close', () => clearTimeout(timer))
  req.on('data', onData).once('end', finish)
  req.resume()
}

/** Whether all of this answer is written and only the rest of its request is waited for. */
export function isLingering(res: ServerResponse): boolean {
  return lingering.has(res)
}

/** The same for a connection that no parser of Node's reads any more; its last bytes must be written. */
export function lingerAndDestroy(socket: Duplex): void {
  let left = LINGER_BYTES
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.resume()
}
