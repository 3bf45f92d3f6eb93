import type { IncomingMessage } from 'node:http'

/** Whether the request has a body, by its framing (RFC 9112 section 6.3). */
export function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether a part of its body is still to come: then the connection cannot be used again. */
export function isUnread(req: IncomingMessage): boolean {
  return !req.complete && hasBody(req)
}
