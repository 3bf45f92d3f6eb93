import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { isTlsCode } from './errors.ts'
import { isLingering, lingerAndDestroy } from './linger.ts'
import type { RefusingDeps } from './own-answers.ts'
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
 * Answers what was no request: the connection closes, and the client learns why if it still listens.
 * Requests that came whole before it (pipelining) are answered first. An answer that has begun to the
 * broken request itself is cut, because whatever followed would be taken for a part of it.
 */
export function answerClientError(
  deps: RefusingDeps,
  error: { readonly code?: string },
  socket: Duplex,
): void {
  if (failed.has(socket)) return
  // Who failed the handshake could not read an answer.
  if (error.code === 'ECONNRESET' || isTlsCode(error.code ?? '')) {
    socket.destroy()
    return
  }
  failed.add(socket)
  answerInTurn(deps, CODES[error.code ?? ''] ?? 'SERIN_BAD_REQUEST', socket)
}

function answerInTurn(deps: RefusingDeps, code: ErrorCode, socket: Duplex): void {
  const answer = (socket as ServingSocket)._httpMessage ?? null
  if (!socket.writable) {
    socket.destroy()
  } else if (answer === null) {
    deps.refusals.note({
      ...{ requestId: deps.newRequestId(), code, req: null, service: null, upstream: '' },
    })
    socket.end(problemBytes(code))
    lingerAndDestroy(socket)
  } else if (answer.req.complete) {
    // Afterwards it is the next one's turn, or the connection closes.
    answer.once('close', () => {
      setImmediate(() => {
        if (socket.writable) answerInTurn(deps, code, socket)
      })
    })
  } else if (isLingering(answer)) {
    answer.end()
  } else if (answer.headersSent) {
    socket.destroy()
  } else {
    // Destroyed at once, so that the exchange ends: what it was about will never arrive.
    socket.end(problemBytes(code), () => socket.destroy())
  }
}

/** A whole answer: head and problem details. */
function problemBytes(code: ErrorCode): string {
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
