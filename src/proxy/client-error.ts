import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { isTlsCode } from './errors.ts'
import { PROBLEM_TYPE } from './problem.ts'

/** Why Node's parser gave up, as the catalogue says it. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'SERIN_HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'SERIN_REQUEST_TIMEOUT',
  CONNECT: 'SERIN_NOT_IMPLEMENTED',
}

/** Node's way to the answer that is being written to a socket. */
type ServingSocket = Duplex & { readonly _httpMessage?: { readonly headersSent: boolean } | null }

/**
 * Answers what was no request: the connection closes, and the client learns why if it still listens. An
 * answer that has begun is cut instead, because whatever followed would be taken for a part of it.
 */
export function answerClientError(error: { readonly code?: string }, socket: Duplex): void {
  // Who failed the handshake could not read an answer.
  if (error.code === 'ECONNRESET' || !socket.writable || isTlsCode(error.code ?? '')) {
    socket.destroy()
    return
  }
  if ((socket as ServingSocket)._httpMessage?.headersSent === true) {
    socket.destroy()
    return
  }
  const code = CODES[error.code ?? ''] ?? 'SERIN_BAD_REQUEST'
  const { status, title, detail } = errorEntry(code)
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail })
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-serin-error: ${code}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
