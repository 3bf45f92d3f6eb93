import type { Socket } from 'node:net'
import { errorEntry } from '../domain/errors.ts'

/** Answers a connection to the admin port while no worker runs that could. */
export function refuseAdmin(socket: Socket): void {
  const code = 'SERIN_NO_WORKER'
  const { status, title, detail } = errorEntry(code)
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail })
  // Unread bytes would make the kernel reset the connection, and the answer could be lost.
  socket.resume()
  socket.end(
    `HTTP/1.1 ${status} Service Unavailable\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}
