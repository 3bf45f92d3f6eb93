import type { Socket } from 'node:net'

/**
 * Has a connection end for those alone who read to its end. Node tells the end as soon as nothing is left in the buffer,
 * whether somebody reads or not; undici 7, which does not read while a client takes no more, then takes a whole answer
 * for a cut one, and where the server had announced the end (`Connection: close`) it throws where nobody can catch it
 * (mended in undici 8).
 */
export function tellEndToReader(socket: Socket): void {
  const push = socket.push.bind(socket)
  socket.push = (chunk, encoding) => {
    if (chunk === null) readToEnd(socket)
    return push(chunk, encoding)
  }
}

/** The other side has ended: from now on nothing but reading beyond what is left has the end told. */
function readToEnd(socket: Socket): void {
  const read = socket.read.bind(socket)
  let isAsked = false
  const ask = () => {
    if (socket.destroyed) return
    isAsked = true
    // Who flows reads by itself.
    if (!socket.emit('readable')) socket.read()
    isAsked = false
  }
  socket.read = (size) => {
    // Node asks for nothing, so as to have the end told.
    if (size === 0) return null
    const left = socket.readableLength
    // Who takes just what is left has not asked beyond it.
    if (left > 0) return read(left)
    if (isAsked) return read()
    // undici looks for more as it begins to read again, and what it has may be enough to cease at once: it is asked once more.
    process.nextTick(ask)
    return null
  }
}
