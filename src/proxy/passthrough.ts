import type { EventEmitter } from 'node:events'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import { Pool } from 'undici'
import type { ErrorCode } from '../domain/errors.ts'
import { hostOf } from './connections.ts'
import { createConnector } from './connector.ts'
import { classifyError, rootCause } from './errors.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { connectionTokens, HOP_BY_HOP, isDisguised } from './hop-by-hop.ts'
import type { ExchangeContext } from './exchange-context.ts'
import { REQUEST_ID_HEADER, type RefusingDeps } from './own-answers.ts'
import { PassthroughExchange } from './passthrough-exchange.ts'
import type { Peer } from './peer.ts'
import { membersOfOthers } from './proxy-status.ts'

/** How the library says that a status is none; it has no other error of this code. */
const STATUS_ERROR = 'FST_REPLY_FROM_BAD_GATEWAY'

type Headers = Record<string, string | string[] | undefined>

/** What the library hands over of an answer, whatever its types say. */
type Answer = { readonly statusCode: number; readonly stream: Readable }

/** How long the upstream may take to begin its answer, and pause within it. */
const UPSTREAM_TIMEOUT_MS = 60_000

/** How long a connection to the upstream may take. */
const CONNECT_TIMEOUT_MS = 5_000

/** A connection takes no new request after this long, so that a name is followed to where it leads now. */
const CONNECTION_AGE_MS = 30_000

/**
 * Carries requests of no service to one origin by `@fastify/http-proxy`, HTTP and WebSocket. Nothing is
 * retried, certificates are verified, bodies pass as they are, hop-by-hop fields are removed both ways,
 * `Via`, `X-Forwarded-*` and the request id added, and errors answered as the services' are. Limits, counting and
 * logging are `PassthroughExchange`'s.
 *
 * What the library leaves, compared to services:
 * - The path is normalised (`/a/./b` becomes `/a/b`), and one with `..` or an encoded `..` is refused (400).
 * - Header names become lower case and lose their order; request lines of one name are joined.
 * - A malformed Content-Type is refused (415); bodies of GET and HEAD are dropped.
 * - A client that leaves does not stop the upstream before that begins to answer.
 * - Trailers and 1xx answers do not pass; methods beside the common seven are refused (501).
 * - An answer with a transfer coding beside chunked is not noticed: its body stays coded.
 * - WebSocket messages are framed anew; one subprotocol passes, and of the header only Cookie,
 *   Authorization and what serin adds. The session opens towards the client before the upstream has agreed.
 */
export function registerPassthrough(
  fastify: FastifyInstance,
  deps: GatewayDeps & RefusingDeps,
  context: ExchangeContext,
  origin: string,
): void {
  const { lookup } = deps.names
  const pool = new Pool(origin, {
    pipelining: 1,
    allowH2: false,
    connect: createConnector({}, { timeout: CONNECT_TIMEOUT_MS, lookup }),
    headersTimeout: UPSTREAM_TIMEOUT_MS,
    bodyTimeout: UPSTREAM_TIMEOUT_MS,
    clientTtl: CONNECTION_AGE_MS,
  })
  pool.on('connectionError', () => deps.names.doubt(hostOf(origin)))
  const common = { ...context, ...deps, limits: context.limits }
  const exchanges = new WeakMap<object, PassthroughExchange>()
  const exchangeOf = ({ raw }: { readonly raw: object }) => exchanges.get(raw)!
  const add = (request: { readonly raw: object }) => {
    const req = request.raw as IncomingMessage
    const peer = context.peerOf(req)
    return additions(deps.name, req, peer, exchangeOf(request).requestId)
  }
  /** The session that is just being opened. */
  let opening: PassthroughExchange
  // Not by the library's onClose: that would cut what is still running when the server begins to close.
  fastify.server.once('close', () => void pool.destroy())
  void fastify.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      const { raw } = request
      const res = reply.raw as ServerResponse
      exchanges.set(raw, new PassthroughExchange(common, raw as IncomingMessage, res))
      done()
    })
    // Else text/plain is decoded as UTF-8, which is not every text.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (request, _body, done) => {
      done(null, exchangeOf(request).upload())
    })
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      reply.hijack()
      const { code, detail } = explain(error)
      exchangeOf(request).fail(code, detail)
    })
    scope.setNotFoundHandler((request, reply) => {
      reply.hijack()
      const detail = `The method ${request.method} is not supported.`
      exchangeOf(request).fail('SERIN_NOT_IMPLEMENTED', detail)
    })
    // Most gateways have no passthrough.
    const { default: httpProxy } = await import('@fastify/http-proxy')
    await scope.register(httpProxy, {
      upstream: origin,
      undici: pool,
      disableRequestLogging: true,
      proxyPayloads: false,
      websocket: true,
      // A side that does not follow the other one's end.
      wsServerOptions: { closeTimeout: context.limits.tunnelFollowMs },
      wsClientOptions: {
        lookup,
        closeTimeout: context.limits.tunnelFollowMs,
        rewriteRequestHeaders: (headers: Headers, request: FastifyRequest) => {
          opening = exchangeOf(request)
          opening.handOver(origin)
          const passed = pick(request.headers, ['cookie', 'authorization'])
          return { ...headers, ...passed, ...add(request) }
        },
        // Called right after that, before anything else happens.
        finishRequest: (handshake: ClientRequest, upstream: EventEmitter) => {
          opening.opened(upstream)
          handshake.end()
        },
      },
      replyOptions: {
        // The library would repeat a GET up to ten times on 503, unseen.
        retryDelay: () => null,
        rewriteRequestHeaders: (request, headers) => {
          exchangeOf(request).handOver(origin)
          return { ...strip(headers as Headers), ...add(request) }
        },
        rewriteHeaders: (headers) => withoutOwn(strip(headers as Headers), deps.name) as never,
        onResponse: (_request, reply, response) => {
          const { statusCode, stream } = response as unknown as Answer
          const res = reply.raw as ServerResponse
          const exchange = exchangeOf(reply.request)
          // Answered with an error: the library goes on all the same.
          if (reply.sent || exchange.isDone) {
            stream.on('error', () => {}).destroy()
            return
          }
          // It may have begun since the request came.
          if (deps.isDraining()) res.shouldKeepAlive = false
          const body = statusCode === 304 ? withoutBody(stream) : stream
          exchange.answered(body)
          void reply.header(REQUEST_ID_HEADER, exchange.requestId).send(body)
          // Else the head waits for the first byte of the body: events would begin late.
          if (!res.headersSent && !res.destroyed) res.flushHeaders()
        },
        onError: (reply, { error }) => {
          const code = codeOf(error)
          deps.log.debug({ err: error, code }, 'the passthrough failed')
          reply.hijack()
          exchangeOf(reply.request).fail(code)
        },
      },
    })
  })
}

/** The library does not say how far it had come; where that matters it is told by the error. */
function codeOf(error: Error & { readonly cause?: unknown; readonly code?: unknown }): ErrorCode {
  if (error.code === STATUS_ERROR) return 'SERIN_UPSTREAM_PROTOCOL'
  const cause = rootCause(error.cause ?? error)
  const isAnswered = (cause as { code?: unknown }).code === 'ERR_ASSERTION'
  return classifyError(cause, isAnswered ? 'sent' : 'unsent')
}

/** What Fastify or the library refuse before anything is sent. */
function explain({ statusCode, code }: FastifyError): {
  readonly code: ErrorCode
  readonly detail?: string
} {
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return { code: 'SERIN_UNSUPPORTED_MEDIA_TYPE', detail: 'The Content-Type is malformed.' }
  }
  if (statusCode === 400) return { code: 'SERIN_BAD_REQUEST', detail: 'The path is not valid.' }
  return { code: 'SERIN_INTERNAL' }
}

/** A 304 may have the length of what it stands for (RFC 9110 section 8.6), and undici 7 calls it broken for that. */
function withoutBody(stream: Readable): Readable {
  stream.on('error', () => {}).resume()
  return Readable.from([])
}

/** Drops what concerns one connection alone, the names of trailers that do not pass, and serin's own fields. */
function strip(headers: Headers): Headers {
  const kept: Headers = {}
  const tokens = connectionTokens(headers.connection?.toString())
  for (const [name, value] of Object.entries(headers)) {
    if (HOP_BY_HOP.has(name) || name.startsWith('x-serin-') || isDisguised(name)) continue
    // Node throws where nothing chunked follows to carry them.
    if (name === 'trailer') continue
    if (tokens !== null && tokens.has(name)) continue
    kept[name] = value
  }
  return kept
}

/** An answer's fields, without what only this gateway may say of itself. */
function withoutOwn(headers: Headers, name: string): Headers {
  const { 'proxy-status': status, ...rest } = headers
  const others = status === undefined ? '' : membersOfOthers(String(status), name)
  return others === '' ? rest : { ...rest, 'proxy-status': others }
}

/** `Via`, `X-Forwarded-*` and the request's id, as services' requests have them. */
function additions(name: string, req: IncomingMessage, peer: Peer, requestId: string): Headers {
  const { headers } = req
  const via = `${req.httpVersion} ${name}`
  const added: Headers = {
    via: headers.via === undefined ? via : `${headers.via}, ${via}`,
    'x-forwarded-for': peer.address,
    'x-forwarded-proto': peer.proto,
    'x-forwarded-host': headers.host,
    [REQUEST_ID_HEADER]: requestId,
  }
  if (!peer.isTrusted) return added
  const before = headers['x-forwarded-for']
  if (before !== undefined) added['x-forwarded-for'] = `${before as string}, ${peer.address}`
  return { ...added, ...pick(headers, ['x-forwarded-proto', 'x-forwarded-host']) }
}

function pick(headers: Headers, names: readonly string[]): Headers {
  const picked: Headers = {}
  for (const name of names) if (headers[name] !== undefined) picked[name] = headers[name]
  return picked
}
