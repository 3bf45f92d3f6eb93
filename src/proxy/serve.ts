import type { IncomingMessage, ServerResponse } from 'node:http'
import { assign } from '../routing/assign.ts'
import { matchService } from '../routing/match.ts'
import { hasUnsafePath } from '../routing/rewrite.ts'
import { admitToPassthrough, admitToService } from './admit.ts'
import { readBodyKey } from './body-key.ts'
import type { Prefix } from './collect-prefix.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { hasBody } from './has-body.ts'
import { HttpFields } from './http-fields.ts'
import { answerHealth, refuse, type RefusalExtras, type RefusingDeps } from './own-answers.ts'
import { readRequestId } from './request-headers.ts'
import type { ServiceFront, ServiceRuntime } from './service-runtime.ts'
import { isUpgrade } from './upgrade.ts'
import type { Refusal } from './validate.ts'

/**
 * Serves a request and says true, or says false: it belongs to no service, and the passthrough may have
 * it. `res` is untouched then, but for a `100 Continue`.
 */
export type ServeRequest = (req: IncomingMessage, res: ServerResponse) => boolean

/**
 * The way of every request, before Fastify sees it: those of services are served here, what is left is
 * Fastify's. Its router, hooks and parsers have nothing to say about a service's request.
 */
export function createServe(
  deps: GatewayDeps & RefusingDeps,
  context: ExchangeContext,
  hasPassthrough: boolean,
): ServeRequest {
  // match → read key → assign → forward → record (the exchange does the last two)
  function serve(req: IncomingMessage, res: ServerResponse): boolean {
    const url = req.url!
    const query = url.indexOf('?')
    const path = query === -1 ? url : url.slice(0, query)
    const { healthPath, limits } = deps.config()
    if (path === healthPath) {
      answerHealth(deps, req, res)
      return true
    }
    const { table } = deps.snapshot()
    const match = matchService(table, req.method!, table.hosts.size === 0 ? '' : hostOf(req), path)
    if (match.kind === 'service') {
      serveService(req, res, match.service)
      return true
    }
    if (hasPassthrough) {
      const refusal = admitToPassthrough(req, limits, deps.exchanges.count, deps.name)
      if (refusal !== null) return reject(req, res, refusal)
      continueIfExpected(req, res)
      return false
    }
    if (match.kind === 'none') return reject(req, res, { code: 'SERIN_NO_ROUTE' })
    const headers = ['allow', match.allow.join(', ')]
    return reject(req, res, { code: 'SERIN_METHOD_NOT_ALLOWED' }, { headers })
  }

  function reject(
    req: IncomingMessage,
    res: ServerResponse,
    refusal: Refusal,
    extras?: RefusalExtras,
  ): true {
    refuse(deps, req, res, refusal, extras)
    return true
  }

  function serveService(req: IncomingMessage, res: ServerResponse, found: ServiceRuntime): void {
    const { service } = found
    const { requestIdHeader } = service.observe
    const { limits } = deps.config()
    const refusal = admitToService(req, found, limits, deps.exchanges.count, deps.name)
    if (refusal !== null) {
      refuse(deps, req, res, refusal, { service: service.name, requestIdHeader })
      return
    }
    const requestId = readRequestId(req, requestIdHeader) ?? deps.newRequestId()
    const exchange = new Exchange(context, service, req, res, requestId)
    continueIfExpected(req, res)
    if (!hasBody(req)) forward(exchange, req, found, NO_BODY)
    else if (!isCollected(req, found)) forward(exchange, req, found, UNREAD_BODY)
    else collect(exchange, req, found)
  }

  function collect(exchange: Exchange, req: IncomingMessage, found: ServiceRuntime): void {
    const snapshot = deps.snapshot()
    exchange.collect(found.pointers.all.length > 0, (body) => {
      // A reload may have come while the body did, and old connections close.
      const now = deps.snapshot()
      const runtime = now === snapshot ? found : now.runtimes.get(found.service.name)
      if (runtime === undefined || !isRewritable(req.url!, runtime, found))
        exchange.fail('SERIN_UPSTREAM_CLOSED')
      else if (body.bytes > context.limits.bodyBytes()) exchange.fail('SERIN_BODY_TOO_LARGE')
      else forward(exchange, req, runtime, body)
    })
  }

  function forward(
    exchange: Exchange,
    req: IncomingMessage,
    runtime: ServiceRuntime,
    body: Prefix,
  ): void {
    try {
      const { pointers } = runtime
      const { inspectBytes } = context.limits
      const key = pointers.all.length === 0 ? null : readBodyKey(req, body, pointers, inspectBytes)
      if (key !== null && key.note !== null) runtime.recorder.note(key.note)
      const fields = new HttpFields(req, key?.values ?? null, context.clientAddressOf)
      exchange.forward(runtime, assign(runtime.split, fields, deps.draw), body)
    } catch (error) {
      const { name } = runtime.service
      deps.log.error({ err: error, service: name }, 'a request could not be forwarded')
      exchange.fail('SERIN_INTERNAL')
    }
  }

  /** Small bodies are sent in one piece, and could be sent again; bodies with a key in them must be read. */
  function isCollected(req: IncomingMessage, { pointers }: ServiceFront): boolean {
    const length = req.headers['content-length']
    const isSmall = length !== undefined && Number(length) <= context.limits.inspectBytes
    return isSmall || pointers.all.length > 0
  }

  return serve
}

const NO_BODY: Prefix = { chunks: [], bytes: 0, isComplete: true }
const UNREAD_BODY: Prefix = { chunks: [], bytes: 0, isComplete: false }

/** Whether the path of a request, which was admitted before a reload, can be rewritten as it is now. */
function isRewritable(url: string, { match, isRewritten }: ServiceFront, before: ServiceFront) {
  return !isRewritten || (match.path === before.match.path && !hasUnsafePath(url))
}

/** Host of the request, lower case and without port. */
function hostOf(req: IncomingMessage): string {
  const host = req.headers.host ?? ''
  const colon = host.lastIndexOf(':')
  const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host
  return name.toLowerCase()
}

/** Whoever asked before sending the body may send it: route and limits have been looked at. */
function continueIfExpected(req: IncomingMessage, res: ServerResponse): void {
  // An empty list expects nothing.
  if (!req.headers.expect || isUpgrade(req)) return
  if (req.httpVersionMinor > 0) res.writeContinue()
}
