import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { PROBLEM_TYPE } from './problem.ts'

/** Why Node's parser gave up, as the catalogue says it. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'SERIN_HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'SERIN_REQUEST_TIMEOUT',
  CONNECT: 'SERIN_NOT_IMPLEMENTED',
}

/** Node's way to the answer whose turn it is on a socket. */
type ServingSocket = Duplex & {
  readonly _httpMessage?: {
    readonly req: IncomingMessage
    readonly headersSent: boolean
    readonly once: (event: 'close', listener: () => void) => void
  } | null
}

/** Node tells of every further piece of what it could not read: the first time says all. */
const failed = new WeakSet<Duplex>()

/**
 * Answers what was no request: the connection closes, and the client learns why if it still listens.
 * Requests that came whole before it (pipelining) are answered first. An answer that has begun to the
 * broken request itself is cut, because whatever followed would be taken for a part of it.
 */
export function answerClientError(error: { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  if (failed.has(socket)) return
  failed.add(socket)
  answerInTurn(error, socket)
}

function answerInTurn(error: { readonly code?: string }, socket: ServingSocket): void {
  const answer = socket._httpMessage
  if (!socket.writable || (answer?.headersSent === true && !answer.req.complete)) {
    socket.destroy()
  } else if (answer?.req.complete === true) {
    // Afterwards it is the next one's turn, or Node is closing the connection.
    answer.once('close', () => {
      setImmediate(() => {
        if (socket.writable) answerInTurn(error, socket)
      })
    })
  } else {
    answerBroken(CODES[error.code ?? ''] ?? 'SERIN_BAD_REQUEST', socket)
  }
}

function answerBroken(code: ErrorCode, socket: Duplex): void {
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
