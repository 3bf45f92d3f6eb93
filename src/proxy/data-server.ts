import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { fastify, type FastifyInstance } from 'fastify'
import { answerClientError } from './client-error.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { gatewayPlugin } from './gateway-plugin.ts'
import { refuse } from './own-answers.ts'
import { registerPassthrough } from './passthrough.ts'
import { takeUpgrades } from './upgrade-door.ts'
import { isWebSocket } from './upgrade.ts'
import { MAX_HEADER_LINES, validateRequest } from './validate.ts'

/** How often Node looks for connections that take too long. */
const CONNECTIONS_CHECK_MS = 2_000

/** Longest time for a request's header section. */
const HEADERS_TIMEOUT_MS = 15_000

/** How long an idle client connection stays open: longer than common load balancers keep theirs. */
const KEEP_ALIVE_MS = 72_000

/**
 * The data plane's server, ready for `listen`: services, the health path, and what belongs to no service
 * to `passthrough` (an origin; null = 404). Header limits are those of the configuration at creation: a
 * reload does not change them. `close()` ends idle connections and waits for the others.
 */
export function createDataServer(deps: GatewayDeps, passthrough: string | null): FastifyInstance {
  // Filled below; no request comes before.
  let serve: ReturnType<typeof gatewayPlugin> = () => false
  const server = fastify({
    logger: false,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: deps.config().limits.headerBytes },
    serverFactory: (handler) => createDoor(deps, handler),
    // Fastify's router refuses paths that do not decode as UTF-8; a service's upstream may want them.
    frameworkErrors: (_error, request, reply) => {
      const req = request.raw as IncomingMessage
      const res = reply.raw as ServerResponse
      reply.hijack()
      if (!serve(req, res)) {
        refuse(deps, req, res, { code: 'SERIN_BAD_REQUEST', detail: 'The path is not valid.' })
      }
    },
  })
  serve = gatewayPlugin(server, deps, passthrough !== null)
  if (passthrough === null) {
    // One route for all: the hook answers before it, and Fastify need not look for a 404 handler.
    server.all('/*', (_request, reply) => reply.hijack())
  } else {
    registerPassthrough(server, deps, passthrough)
  }
  // Now that the passthrough listens for upgrades: it is asked after the services.
  server.addHook('onReady', async () => takeUpgrades(server.server, deps, serve))
  return server
}

/** The HTTP server: every request is validated before Fastify's router sees it. */
function createDoor(
  deps: GatewayDeps,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Server {
  const enter = (req: IncomingMessage, res: ServerResponse) => {
    const refusal = validateRequest(req)
    if (refusal === null) handler(req, res)
    else refuse(deps, req, res, refusal, { close: true })
  }
  const server = createServer(
    {
      maxHeaderSize: deps.config().limits.headerBytes,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Bodies have an idle limit of their own; a long upload that goes on is none of its business.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      insecureHTTPParser: false,
      // Checked here, so that the answer says what is wrong.
      requireHostHeader: false,
      ...ONLY_WEBSOCKET,
    },
    enter,
  )
  server.maxHeadersCount = MAX_HEADER_LINES + 1
  // 100 is sent once the route and the limits are known, not by Node at once.
  server.on('checkContinue', enter)
  server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
    refuse(deps, req, res, { code: 'SERIN_EXPECTATION_FAILED' }, { close: true })
  })
  server.on('connect', (_req, socket) => answerClientError({ code: 'CONNECT' }, socket))
  server.on('clientError', answerClientError)
  return server
}

/**
 * Where Node knows it (24.9, 22.21), other upgrades than to WebSocket are ignored by itself; before,
 * `ignoreUpgrade` does it.
 */
const ONLY_WEBSOCKET = {
  shouldUpgradeCallback: isWebSocket,
}
