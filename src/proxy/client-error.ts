import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { isTlsCode } from './errors.ts'
import { isLingering, lingerAndDestroy } from './linger.ts'
import { PROBLEM_TYPE } from './problem.ts'

/** Why Node's parser gave up, as the catalogue says it. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'SERIN_HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'SERIN_REQUEST_TIMEOUT',
  CONNECT: 'SERIN_NOT_IMPLEMENTED',
}

/** Node's way to the answer that is being written to a socket. */
type ServingSocket = Duplex & { readonly _httpMessage?: ServerResponse | null }

/** Connections that were given up: whatever else comes on them is not looked at. */
const failed = new WeakSet<Duplex>()

/**
 * Answers what was no request: the connection closes, and the client learns why if it still listens. An
 * answer that has begun is cut instead, because whatever followed would be taken for a part of it. An
 * earlier request that came in whole still gets its answer, which is the last one then.
 */
export function answerClientError(error: { readonly code?: string }, socket: Duplex): void {
  if (failed.has(socket)) return
  // Who failed the handshake could not read an answer.
  if (error.code === 'ECONNRESET' || !socket.writable || isTlsCode(error.code ?? '')) {
    socket.destroy()
    return
  }
  const answer = (socket as ServingSocket)._httpMessage ?? null
  failed.add(socket)
  if (answer === null) {
    socket.end(problemBytes(error.code))
    lingerAndDestroy(socket)
  } else if (answer.req.complete) {
    answer.shouldKeepAlive = false
    answer.once('finish', () => socket.end())
  } else if (isLingering(answer)) {
    answer.end()
  } else if (answer.headersSent) {
    socket.destroy()
  } else {
    // Destroyed at once, so that the exchange ends: what it was about will never arrive.
    socket.end(problemBytes(error.code), () => socket.destroy())
  }
}

/** A whole answer: head and problem details. */
function problemBytes(cause: string | undefined): string {
  const code = CODES[cause ?? ''] ?? 'SERIN_BAD_REQUEST'
  const { status, title, detail } = errorEntry(code)
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail })
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-serin-error: ${code}`,
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
