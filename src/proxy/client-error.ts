import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { isTlsCode } from './errors.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { isLingering, lingerAndDestroy } from './linger.ts'
import { REQUEST_ID_HEADER, type RefusingDeps } from './own-answers.ts'
import { buildProblem } from './problem.ts'

/** Why Node's parser gave up, as the catalogue says it. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'SERIN_HEADERS_TOO_LARGE',
  HPE_INVALID_EOF_STATE: 'SERIN_CLIENT_CLOSED',
  ERR_HTTP_REQUEST_TIMEOUT: 'SERIN_REQUEST_TIMEOUT',
  CONNECT: 'SERIN_NOT_IMPLEMENTED',
}

/** What Node says of bytes that are no request, and of where its parser stopped in them. */
export type ClientError = {
  readonly code?: string
  readonly reason?: string
  /** What came last on the connection: a Buffer, whatever Fastify's types say. */
  readonly rawPacket?: unknown
  readonly bytesParsed?: number
}

/** What the parser says of RTSP's methods, which it knows, with HTTP's name behind them. */
const OTHER_PROTOCOL = 'Invalid method for HTTP/x.x request'

/** A request line (RFC 9112 section 3) of a version that is served. */
const REQUEST_LINE = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+ [!-~]+ HTTP\/1\.[01]\r$/

/** Node's way to the answer that is being written to a socket. */
type ServingSocket = Duplex & { readonly _httpMessage?: ServerResponse | null }

/** What answering takes: whose exchange it may be, beside what every refusal takes. */
export type ClientErrorDeps = RefusingDeps & Pick<GatewayDeps, 'clock' | 'exchanges'>

/** Connections that were given up: whatever else comes on them is not looked at. */
const failed = new WeakSet<Duplex>()

/**
 * Answers what was no request: the connection closes, and the client learns why if it still listens.
 * Requests that came whole before it (pipelining) are answered first. Where it broke within a request that
 * is an exchange already, that ends with it, and answers; an answer that has begun is cut, because whatever
 * followed would be taken for a part of it. Who ends its side within a body has left, and gets none.
 */
export function answerClientError(deps: ClientErrorDeps, error: ClientError, socket: Duplex): void {
  if (failed.has(socket)) return
  // Who failed the handshake could not read an answer.
  if (error.code === 'ECONNRESET' || isTlsCode(error.code ?? '')) {
    socket.destroy()
    return
  }
  failed.add(socket)
  const code = isUnknownMethod(error) ? 'SERIN_NOT_IMPLEMENTED' : CODES[error.code ?? '']
  answerInTurn(deps, code ?? 'SERIN_BAD_REQUEST', socket)
}

/**
 * Whether nothing is wrong with the request line but a method that Node's parser does not know (RFC 9110 section 9.1).
 * The connection ends as for all that is malformed: what follows has not been read.
 */
function isUnknownMethod({ code, reason, rawPacket, bytesParsed }: ClientError): boolean {
  if (code !== 'HPE_INVALID_METHOD' && reason !== OTHER_PROTOCOL) return false
  if (!Buffer.isBuffer(rawPacket) || bytesParsed === undefined) return false
  const end = rawPacket.indexOf('\n', bytesParsed)
  const begin = bytesParsed === 0 ? 0 : rawPacket.lastIndexOf('\n', bytesParsed - 1) + 1
  return end !== -1 && REQUEST_LINE.test(rawPacket.toString('latin1', begin, end))
}

function answerInTurn(deps: ClientErrorDeps, code: ErrorCode, socket: Duplex): void {
  const answer = (socket as ServingSocket)._httpMessage ?? null
  if (!socket.writable) {
    socket.destroy()
  } else if (answer === null) {
    // Half a head: whoever sends that may well read on.
    socket.end(refusal(deps, code === 'SERIN_CLIENT_CLOSED' ? 'SERIN_BAD_REQUEST' : code))
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
  } else {
    endBroken(deps, code, socket, answer)
  }
}

/** Ends a request that broke off within its body, and its answer with it. */
function endBroken(
  deps: ClientErrorDeps,
  code: ErrorCode,
  socket: Duplex,
  answer: ServerResponse,
): void {
  const isBegun = answer.headersSent
  if (code !== 'SERIN_CLIENT_CLOSED') deps.exchanges.of(answer)?.fail(code)
  // Not once the rest of the body is there: it will never be.
  if (!isBegun && answer.headersSent) answer.end()
  else socket.destroy()
}

/** Notes a refusal of what was no request, and gives all of its answer: head and problem details. */
function refusal(deps: ClientErrorDeps, code: ErrorCode): string {
  const { name, newRequestId } = deps
  const requestId = newRequestId()
  deps.refusals.note({ requestId, code, req: null, service: null })
  const { status, title } = errorEntry(code)
  const problem = buildProblem({ code, requestId, requestIdHeader: REQUEST_ID_HEADER, name })
  const date = new Date(deps.clock.now()).toUTCString()
  const pairs = [...problem.headers, 'date', date, 'connection', 'close']
  let head = `HTTP/1.1 ${status} ${title}\r\n`
  for (let n = 0; n < pairs.length; n += 2) head += `${pairs[n]!}: ${pairs[n + 1]!}\r\n`
  return `${head}\r\n${problem.body}`
}
