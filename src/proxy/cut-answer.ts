import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Cuts an answer that cannot be finished, so that its client sees that it is not whole (RFC 9112 section 8). A
 * length or chunks show it by themselves. An HTTP/1.0 client may have neither, and takes the end of the
 * connection for the end of the answer: it gets a reset instead.
 */
export function cutAnswer(res: ServerResponse): void {
  const socket = res.socket as (Socket & { readonly encrypted?: boolean }) | null
  const isMute = res.req.httpVersionMinor === 0 && !res.hasHeader('content-length')
  // TLS has an end of its own, which is missing then (RFC 8446 section 6.1).
  if (isMute && socket !== null && socket.encrypted !== true) socket.resetAndDestroy()
  res.destroy()
}
