import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Has an answer that waits behind another one on its connection (pipelining) hear of the connection's end by its `close`.
 * Node tells only the answer whose turn it is: without this a client that has left would keep its place, and its
 * upstream at work, until there is an answer. To be called when the request arrives; does nothing where nobody is before it.
 */
export function tellEndToWaiting(res: ServerResponse, socket: Socket): void {
  if (res.socket !== null) return
  const onEnd = () => {
    res.destroy()
    res.emit('close')
  }
  // As many wait as the client has sent, each with its listener.
  socket.setMaxListeners(0).once('close', onEnd)
  res.once('socket', () => socket.off('close', onEnd))
}
