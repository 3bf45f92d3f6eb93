import type { IncomingMessage } from 'node:http'
import type { GatewayConfig } from '../config/config.ts'
import { hasUnsafePath, leavesPrefix } from '../routing/rewrite.ts'
import { hasBody } from './has-body.ts'
import { isLoop } from './request-headers.ts'
import type { ServiceFront } from './service-runtime.ts'
import { isUpgrade } from './upgrade.ts'
import type { Refusal } from './validate.ts'

/**
 * Whether a request may enter a service, before anything of it is read or booked. Null: it may.
 * `inFlight`: exchanges that are running now.
 */
export function admitToService(
  req: IncomingMessage,
  { isRewritten, service }: ServiceFront,
  limits: GatewayConfig['limits'],
  inFlight: number,
  name: string,
): Refusal | null {
  if (inFlight >= limits.inFlight) return { code: 'SERIN_OVERLOADED' }
  if (isLoop(req.headers.via, name)) return { code: 'SERIN_LOOP_DETECTED' }
  if (isUpgrade(req) && !isHandshake(req)) return NO_HANDSHAKE
  // A rewritten path has no dot segments at all.
  if (isRewritten) {
    if (hasUnsafePath(req.url!)) return UNSAFE_PATH
  } else if (leavesPrefix(service.match.path, req.url!)) return LEAVING_PATH
  return admitBody(req, limits)
}

/** Whether a request may enter the passthrough, by the same limits. Null: it may. */
export function admitToPassthrough(
  req: IncomingMessage,
  limits: GatewayConfig['limits'],
  inFlight: number,
  name: string,
): Refusal | null {
  if (inFlight >= limits.inFlight) return { code: 'SERIN_OVERLOADED' }
  if (isLoop(req.headers.via, name)) return { code: 'SERIN_LOOP_DETECTED' }
  if (isUpgrade(req) && !isHandshake(req)) return NO_HANDSHAKE
  return admitBody(req, limits)
}

/** A body whose length is announced is refused at once; others are counted as they come. */
function admitBody(req: IncomingMessage, limits: GatewayConfig['limits']): Refusal | null {
  const length = req.headers['content-length']
  if (length === undefined || Number(length) <= limits.bodyBytes) return null
  return { code: 'SERIN_BODY_TOO_LARGE' }
}

const UNSAFE_PATH: Refusal = {
  code: 'SERIN_BAD_REQUEST',
  detail: 'The path has dot segments or encoded separators.',
}

const LEAVING_PATH: Refusal = {
  code: 'SERIN_BAD_REQUEST',
  detail: 'The dot segments of the path lead out of the service that it belongs to.',
}

/** Upgrades that come so far are to WebSocket; of others nothing but the upgrade is left out. */
const NO_HANDSHAKE: Refusal = {
  code: 'SERIN_NOT_IMPLEMENTED',
  detail: 'A WebSocket session begins with a GET without a body.',
}

function isHandshake(req: IncomingMessage): boolean {
  return req.method === 'GET' && !hasBody(req)
}
