import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatewayDeps } from './gateway-deps.ts'
import { endUnread } from './end-unread.ts'
import { markClosing } from './closing-connections.ts'
import { isUnread } from './has-body.ts'
import { lingerAndEnd } from './linger.ts'
import { answerProblem } from './problem.ts'
import { readRequestId } from './request-headers.ts'
import type { Refusals } from './refusals.ts'
import { isUpgrade } from './upgrade.ts'
import type { Refusal } from './validate.ts'

/** Where requests of no service have their id. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** What refusing takes: who the gateway is, and where it is written down. */
export type RefusingDeps = Pick<GatewayDeps, 'newRequestId' | 'name' | 'isDraining'> & {
  readonly refusals: Refusals
}

/** What a refusal may carry beside its code. */
export type RefusalExtras = {
  /** The service whose request it is; none = it is not known to be any's. */
  readonly service?: string
  readonly requestIdHeader?: string
  /** Further header fields as flat pairs. */
  readonly headers?: readonly string[]
  readonly close?: boolean
}

/** Answers a request that is in no service's book: it is counted, and has its line in the access log. */
export function refuse(
  deps: RefusingDeps,
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  extras: RefusalExtras = {},
): void {
  if (res.destroyed) return
  const requestIdHeader = extras.requestIdHeader ?? REQUEST_ID_HEADER
  const requestId = readRequestId(req, requestIdHeader) ?? deps.newRequestId()
  const { service = null } = extras
  deps.refusals.note({ requestId, code: refusal.code, req, service })
  answerProblem(req, res, {
    ...refusal,
    requestId,
    requestIdHeader,
    name: deps.name,
    headers: extras.headers ?? [],
    close: extras.close === true || isUpgrade(req) || deps.isDraining(),
  })
}

/** Answers the health path: 200 while the gateway wants traffic, else 503; no body, no detail. */
export function answerHealth(deps: GatewayDeps, req: IncomingMessage, res: ServerResponse): void {
  const unread = isUnread(req)
  if (unread) markClosing(req.socket)
  const close = unread || deps.isDraining() ? ['connection', 'close'] : []
  const status = deps.isReady() ? 200 : 503
  endUnread(res)
  res.writeHead(status, ['content-length', '0', 'cache-control', 'no-store', ...close])
  if (!unread) return void res.end()
  res.flushHeaders()
  lingerAndEnd(req, res)
}
