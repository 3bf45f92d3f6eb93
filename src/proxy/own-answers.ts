import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatewayDeps } from './gateway-deps.ts'
import { answerProblem } from './problem.ts'
import { readRequestId } from './request-headers.ts'
import { isUpgrade } from './upgrade.ts'
import type { Refusal } from './validate.ts'

/** Where requests of no service have their id. */
const REQUEST_ID_HEADER = 'x-request-id'

/** What a refusal may carry beside its code. */
export type RefusalExtras = {
  readonly requestIdHeader?: string
  /** Further header fields as flat pairs. */
  readonly headers?: readonly string[]
  readonly close?: boolean
}

/** Answers a request that is not forwarded. */
export function refuse(
  deps: GatewayDeps,
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  extras: RefusalExtras = {},
): void {
  const requestIdHeader = extras.requestIdHeader ?? REQUEST_ID_HEADER
  answerProblem(req, res, {
    ...refusal,
    requestId: readRequestId(req, requestIdHeader) ?? deps.newRequestId(),
    requestIdHeader,
    name: deps.name,
    headers: extras.headers ?? [],
    close: extras.close === true || isUpgrade(req) || deps.isDraining(),
  })
}

/** Answers the health path: 200 while the gateway wants traffic, else 503; no body, no detail. */
export function answerHealth(deps: GatewayDeps, res: ServerResponse): void {
  const close = deps.isDraining() ? ['connection', 'close'] : []
  const status = deps.isReady() ? 200 : 503
  res.writeHead(status, ['content-length', '0', 'cache-control', 'no-store', ...close]).end()
}
