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
