import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

const closing = new WeakSet<Socket>()

/** An answer on this connection has said `Connection: close`. */
export function markClosing(connection: Socket): void {
  closing.add(connection)
}

/**
 * Whether the connection has announced its end: no further request on it may be served (RFC 9112 section
 * 9.6), whatever the client has sent already. Behind a refused request its bytes need not even be one.
 */
export function isClosing(connection: Socket): boolean {
  return closing.has(connection)
}

/**
 * Whether the client wants its connection closed after this request (RFC 9112 section 9.6). Node's parser misses a
 * `close` with a tab behind it, and in HTTP/1.0 one beside `keep-alive`, which it wins against (section 9.3).
 */
export function asksToClose({ headers: { connection } }: IncomingMessage): boolean {
  if (connection === undefined || connection === 'keep-alive') return false
  return connection.split(',').some((option) => option.trim().toLowerCase() === 'close')
}
