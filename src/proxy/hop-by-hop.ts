import { HOP_BY_HOP_NAMES } from '../domain/header-names.ts'
import { NameSet } from './name-set.ts'

/** See `HOP_BY_HOP_NAMES`. */
export const HOP_BY_HOP = new NameSet(HOP_BY_HOP_NAMES)

/** End-to-end fields that `Connection` must not be able to remove, beside every `content-*` and `x-*` of ours. */
const PROTECTED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'date',
  'forwarded',
  'host',
  'set-cookie',
  'traceparent',
  'tracestate',
  'via',
  'x-request-id',
])

/**
 * The further fields that a Connection header names as its own, lower case; null when there are none.
 * It must be read before anything is added. Names of framing, authentication and forwarding fields are
 * not believed: a sender could have a protection removed that way (CVE-2026-33805).
 */
export function connectionTokens(connection: string | undefined): ReadonlySet<string> | null {
  if (connection === undefined || isPlain(connection)) return null
  const tokens = new Set<string>()
  for (const part of connection.toLowerCase().split(',')) {
    const token = part.trim()
    if (token !== '' && !isProtected(token)) tokens.add(token)
  }
  return tokens
}

/**
 * Whether a field (lower case) becomes one of those that serin alone may speak for once a server has turned
 * underscores into dashes, as CGI and WSGI make it (RFC 3875 section 4.1.18): `content_length`,
 * `x_forwarded_for`. Such a field is not passed on.
 */
export function isDisguised(name: string): boolean {
  if (!name.includes('_')) return false
  const plain = name.replaceAll('_', '-')
  return HOP_BY_HOP.has(plain) || isProtected(plain) || plain === 'x-real-ip'
}

/** The two values that nearly every message has. */
function isPlain(connection: string): boolean {
  return connection === 'keep-alive' || connection === 'close'
}

function isProtected(token: string): boolean {
  return (
    PROTECTED.has(token) ||
    token.startsWith('content-') ||
    token.startsWith('x-forwarded-') ||
    token.startsWith('x-serin-')
  )
}
