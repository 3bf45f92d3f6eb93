import type { Socket } from 'node:net'

/**
 * Has a connection end for those alone who read to its end. Node tells the end as soon as nothing is left in the buffer,
 * whether somebody reads or not; undici 7, which does not read while a client takes no more, then takes a whole answer
 * for a cut one, and where the server had announced the end (`Connection: close`) it throws where nobody can catch it
 * (nodejs/undici#5360, mended in undici 8).
 */
export function tellEndToReader(socket: Socket): void {
  const { push, read } = socket
  socket.push = (chunk, encoding) => {
    if (chunk === null) {
      socket.read = (size) => {
        // Node asks for nothing, so as to have the end told.
        if (size === 0) return null
        // Who takes just what is left has not asked beyond it.
        const left = socket.readableLength
        return left === 0 ? read.call(socket) : read.call(socket, left)
      }
    }
    return push.call(socket, chunk, encoding)
  }
}
