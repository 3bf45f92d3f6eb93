import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Pool } from 'undici'
import type { ErrorCode } from '../domain/errors.ts'
import { hostOf } from './connections.ts'
import { classifyError, rootCause } from './errors.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { connectionTokens, HOP_BY_HOP, isDisguised } from './hop-by-hop.ts'
import { refuse, type RefusingDeps } from './own-answers.ts'
import { createPeerLookup, type Peer } from './peer.ts'
import { membersOfOthers } from './proxy-status.ts'

/** How the library says that a status is none; it has no other error of this code. */
const STATUS_ERROR = 'FST_REPLY_FROM_BAD_GATEWAY'

type Headers = Record<string, string | string[] | undefined>

/** How long the upstream may take to begin its answer, and pause within it. */
const UPSTREAM_TIMEOUT_MS = 60_000

/** How long a connection to the upstream may take. */
const CONNECT_TIMEOUT_MS = 5_000

/** A connection takes no new request after this long, so that a name is followed to where it leads now. */
const CONNECTION_AGE_MS = 30_000

/**
 * Carries requests of no service to one origin by `@fastify/http-proxy`, HTTP and WebSocket. Nothing is
 * retried, certificates are verified, bodies pass as they are, hop-by-hop fields are removed both ways,
 * `Via` and `X-Forwarded-*` added, and errors answered as the services' are.
 *
 * What the library leaves, compared to services:
 * - The path is normalised (`/a/./b` becomes `/a/b`), and one with `..` or an encoded `..` is refused (400).
 * - Header names become lower case and lose their order; request lines of one name are joined.
 * - A malformed Content-Type is refused (415); bodies of GET and HEAD are dropped.
 * - A client that leaves does not stop the upstream before that begins to answer.
 * - Trailers and 1xx answers do not pass; a body without Content-Length has no size limit.
 * - An answer with a transfer coding beside chunked is not noticed: its body stays coded.
 * - WebSocket messages are framed anew; one subprotocol passes, and of the header only Cookie,
 *   Authorization and what serin adds. The session opens towards the client before the upstream has agreed.
 */
export function registerPassthrough(
  fastify: FastifyInstance,
  deps: GatewayDeps & RefusingDeps,
  origin: string,
): void {
  const { lookup } = deps.names
  const pool = new Pool(origin, {
    pipelining: 1,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true, lookup },
    headersTimeout: UPSTREAM_TIMEOUT_MS,
    bodyTimeout: UPSTREAM_TIMEOUT_MS,
    clientTtl: CONNECTION_AGE_MS,
  })
  pool.on('connectionError', () => deps.names.doubt(hostOf(origin)))
  const peers = createPeerLookup(() => deps.config().trustedProxies)
  const add = (raw: unknown) => {
    const req = raw as IncomingMessage
    return additions(deps.name, req, peers.peerOf(req))
  }
  // Not by the library's onClose: that would cut what is still running when the server begins to close.
  fastify.server.once('close', () => void pool.destroy())
  void fastify.register(async (scope) => {
    // Else text/plain is decoded as UTF-8, which is not every text.
    scope.removeAllContentTypeParsers()
    // Most gateways have no passthrough.
    const { default: httpProxy } = await import('@fastify/http-proxy')
    await scope.register(httpProxy, {
      upstream: origin,
      undici: pool,
      disableRequestLogging: true,
      websocket: true,
      wsClientOptions: {
        lookup,
        rewriteRequestHeaders: (headers: Headers, request: FastifyRequest) => ({
          ...headers,
          ...pick(request.headers, ['cookie', 'authorization']),
          ...add(request.raw),
        }),
      },
      replyOptions: {
        // The library would repeat a GET up to ten times on 503, unseen.
        retryDelay: () => null,
        rewriteRequestHeaders: (request, headers) => ({
          ...strip(headers as Headers),
          ...add(request.raw),
        }),
        rewriteHeaders: (headers) => withoutOwn(strip(headers as Headers), deps.name) as never,
        onResponse: (_request, reply, response) => {
          const { stream } = response as unknown as { readonly stream: Readable }
          const res = reply.raw as ServerResponse
          // Answered with an error: the library goes on all the same.
          if (reply.sent) {
            stream.on('error', () => {}).destroy()
            return
          }
          // It may have begun since the request came.
          if (deps.isDraining()) res.shouldKeepAlive = false
          void reply.send(stream)
          // Else the head waits for the first byte of the body: events would begin late.
          if (!res.headersSent && !res.destroyed) res.flushHeaders()
        },
        onError: (reply, { error }) => {
          const code = codeOf(error)
          deps.log.debug({ err: error, code }, 'the passthrough failed')
          reply.hijack()
          const req = reply.request.raw as IncomingMessage
          refuse(deps, req, reply.raw as ServerResponse, { code }, { upstream: origin })
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

/** Drops what concerns one connection alone, and serin's own fields. */
function strip(headers: Headers): Headers {
  const kept: Headers = {}
  const tokens = connectionTokens(headers.connection?.toString())
  for (const [name, value] of Object.entries(headers)) {
    if (HOP_BY_HOP.has(name) || name.startsWith('x-serin-') || isDisguised(name)) continue
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

/** `Via` and `X-Forwarded-*`, as services' requests have them. */
function additions(name: string, req: IncomingMessage, peer: Peer): Headers {
  const { headers } = req
  const via = `${req.httpVersion} ${name}`
  const added: Headers = {
    via: headers.via === undefined ? via : `${headers.via}, ${via}`,
    'x-forwarded-for': peer.address,
    'x-forwarded-proto': peer.proto,
    'x-forwarded-host': headers.host,
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
