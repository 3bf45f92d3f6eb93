import type { IncomingMessage } from 'node:http'

/** Whether Node has taken the connection out of its HTTP parser, because somebody listens for upgrades. */
export function isUpgrade(req: IncomingMessage): boolean {
  return (req as { upgrade?: boolean }).upgrade === true
}

/**
 * Whether the client asks for a WebSocket session (RFC 6455 section 4.1). With HTTP/1.0 nobody can ask for
 * another protocol (RFC 9110 section 7.8).
 */
export function isWebSocket(req: IncomingMessage): boolean {
  return req.httpVersionMinor > 0 && req.headers.upgrade?.toLowerCase() === 'websocket'
}
