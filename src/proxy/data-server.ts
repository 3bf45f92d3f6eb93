import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { answerClientError } from './client-error.ts'
import { asksToClose, isClosing, markClosing } from './closing-connections.ts'
import { createExchangeContext } from './create-exchange-context.ts'
import { PROXY_LIMITS } from './exchange-context.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { inTurn } from './in-turn.ts'
import { limitConnections } from './limit-connections.ts'
import { readOpenFilesLimit } from './open-files.ts'
import { refuse, type RefusingDeps } from './own-answers.ts'
import { registerPassthrough } from './passthrough.ts'
import { createServe, type ServeRequest } from './serve.ts'
import type { ServedCertificate } from './served-certificate.ts'
import { takeInArrived } from './take-in-arrived.ts'
import { takeUpgrades } from './take-upgrades.ts'
import { isWebSocket } from './upgrade.ts'
import { MAX_HEADER_LINES, validateRequest } from './validate.ts'
import { watchUntilClosed } from './watch-until-closed.ts'

/**
 * The data plane's server, ready for `listen`: services, the health path, and what belongs to no service
 * to `passthrough` (an origin; null = 404). With a certificate it speaks TLS. Header limits are those of the
 * configuration at creation: a reload does not change them. `close()` ends idle connections and waits for
 * the others.
 */
export function createDataServer(
  handed: GatewayDeps,
  passthrough: string | null,
  certificate: ServedCertificate | null = null,
): FastifyInstance {
  let isEnding = false
  // Whoever closes the server without a drain means that, too.
  const ending = { ...handed, isDraining: () => isEnding || handed.isDraining() }
  const context = createExchangeContext(ending)
  const deps = { ...ending, refusals: context.refusals }
  const serve = createServe(deps, context, passthrough !== null)
  const server = fastify({
    logger: false,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    pluginTimeout: NO_TIMEOUT,
    routerOptions: { maxParamLength: deps.config().limits.headerBytes },
    schemaController: NO_COMPILERS,
    serverFactory: (handler) => createHttpServer(deps, serve, certificate, handler),
    // Not beside Fastify's own, which cuts the connection at once.
    clientErrorHandler: (error, socket) => answerClientError(deps, error, socket),
    // Its router refuses paths that do not decode as UTF-8.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      const refusal = { code: 'SERIN_BAD_REQUEST', detail: 'The path is not valid.' } as const
      refuse(deps, request.raw as IncomingMessage, reply.raw as ServerResponse, refusal)
    },
  })
  server.addHook('preClose', async () => {
    isEnding = true
    // Not what its answer has promised, which had begun before.
    server.server.keepAliveTimeout = LAST_IDLE_MS
    await takeInArrived(deps.clock.monotonic)
    // Before all else that closing takes: connections come meanwhile.
    if (server.server.listening) NetServer.prototype.close.call(server.server)
  })
  // After the last exchange, and before whoever closes the server goes on to close the store.
  server.server.once('close', () => {
    context.predictions.close()
    context.mirroring.close()
  })
  if (passthrough !== null) registerPassthrough(server, deps, context, passthrough)
  // Now that the passthrough listens for upgrades: it is asked after the services.
  server.addHook('onReady', async () => takeUpgrades(server.server, deps, serve))
  return server
}

/** Fastify's own would have a busy process neither start nor end: closing fails where a hook takes 10 s. */
const NO_TIMEOUT = 0

/** How long a connection waits for a next request while the server closes. */
const LAST_IDLE_MS = 1_000

/** No route has a schema: Fastify need not load what compiles them. */
const NO_COMPILERS = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => JSON.stringify,
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

type ServerDeps = GatewayDeps & RefusingDeps

/** The HTTP server: every request is validated and, if it is a service's, served before Fastify sees it. */
function createHttpServer(
  deps: ServerDeps,
  serve: ServeRequest,
  certificate: ServedCertificate | null,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Server {
  const { headersTimeoutMs, connectionsCheckMs, clientIdleMs } = { ...PROXY_LIMITS, ...deps.limits }
  const enter = inTurn((req, res) => {
    if (isClosing(req.socket)) return
    const refusal = validateRequest(req)
    if (deps.isDraining() || (res.shouldKeepAlive && asksToClose(req))) {
      // Nothing behind this request may be served.
      markClosing(req.socket)
      // Whoever answers it: the passthrough, too.
      res.shouldKeepAlive = false
    }
    if (refusal !== null) return refuse(deps, req, res, refusal, { close: true })
    try {
      if (!serve(req, res)) handler(req, res)
    } catch (error) {
      deps.log.error({ err: error }, 'a request could not be served')
      if (res.headersSent) res.destroy()
      else refuse(deps, req, res, { code: 'SERIN_INTERNAL' }, { close: true })
    }
  })
  const options = {
    maxHeaderSize: deps.config().limits.headerBytes,
    connectionsCheckingInterval: connectionsCheckMs,
    headersTimeout: headersTimeoutMs,
    // Bodies have an idle limit of their own; a long upload that goes on is none of its business.
    requestTimeout: 0,
    keepAliveTimeout: clientIdleMs,
    insecureHTTPParser: false,
    // Checked here, so that the answer says what is wrong.
    requireHostHeader: false,
    ...ONLY_WEBSOCKET,
  }
  const server =
    certificate === null
      ? createServer(options, enter)
      : createHttpsServer(certificate, options, enter)
  const openFiles = readOpenFilesLimit()
  if (openFiles !== null) limitConnections(server, deps, openFiles)
  watchUntilClosed(server)
  server.maxHeadersCount = MAX_HEADER_LINES + 1
  // 100 is sent once the route and the limits are known, not by Node at once.
  server.on('checkContinue', enter)
  server.on('checkExpectation', enter)
  server.on('connect', (_req, socket) => {
    // Node has taken its own listeners off, and an error that nobody hears ends the process.
    socket.on('error', () => socket.destroy())
    answerClientError(deps, { code: 'CONNECT' }, socket)
  })
  return server
}

function createHttpsServer(
  certificate: ServedCertificate,
  options: ServerOptions,
  enter: (req: IncomingMessage, res: ServerResponse) => void,
): Server {
  const own = {
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: options.headersTimeout!,
  }
  const server = createTlsServer({ ...options, ...own, ...certificate.options }, enter)
  certificate.add(server)
  return server
}

/**
 * Where Node knows it (24.9, 22.21), other upgrades than to WebSocket are ignored by itself; before,
 * `ignoreUpgrade` does it.
 */
const ONLY_WEBSOCKET = {
  shouldUpgradeCallback: isWebSocket,
}
