/**
 * Fields that concern one connection and are never passed on (RFC 9110 section 7.6.1), with those that a
 * gateway answers for itself: Expect, the framing, and credentials for proxies (section 11.7).
 * Lower case.
 */
export const HOP_BY_HOP_NAMES: readonly string[] = [
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]

/**
 * Whether a field (lower case) says where a message ends, what its bytes are, or how a connection goes on: what is written
 * there by a configuration breaks requests, or lets another one in between two (RFC 9112 section 11.2).
 */
export function isFraming(name: string): boolean {
  return (
    HOP_BY_HOP_NAMES.includes(name) ||
    name === 'host' ||
    name === 'trailer' ||
    name.startsWith('content-')
  )
}

/**
 * Whether a field (lower case) holds credentials or cookies, or says who forwarded a message: it must be neither replaced
 * nor shown in an answer or a log.
 */
export function isGuarded(name: string): boolean {
  return GUARDED.has(name) || name.startsWith('x-forwarded-')
}

const GUARDED: ReadonlySet<string> = new Set([
  'authentication-info',
  'authorization',
  'cookie',
  'cookie2',
  'date',
  'forwarded',
  'proxy-authentication-info',
  'proxy-status',
  'set-cookie',
  'set-cookie2',
  'via',
  'www-authenticate',
  'x-real-ip',
])
