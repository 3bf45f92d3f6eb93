import { isVariantFault, type ErrorCode } from '../domain/errors.ts'

/** Attempts that one request may cost at the most. */
export const MOST_ATTEMPTS = 3

/** Methods that may be repeated without asking (RFC 9110 section 9.2.2). */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Failures that leave nothing written: the upstream has not seen the request. */
const BEFORE_SENDING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SERIN_UPSTREAM_REFUSED',
  'SERIN_UPSTREAM_UNREACHABLE',
  'SERIN_UPSTREAM_DNS',
  'SERIN_UPSTREAM_DNS_TIMEOUT',
  'SERIN_UPSTREAM_CONNECT_TIMEOUT',
  'SERIN_UPSTREAM_RESET',
  'SERIN_UPSTREAM_CLOSED',
])

/** Failures without a byte of an answer, after the request was written. */
const BEFORE_ANSWER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SERIN_UPSTREAM_RESET',
  'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT',
])

/** Whether a request may be repeated because its method says so, or its service. */
export function isIdempotent(method: string, service: { readonly idempotent: boolean }): boolean {
  return service.idempotent || IDEMPOTENT_METHODS.has(method)
}

/**
 * Whether an attempt that failed without an answer may be made again at the same variant: always where
 * nothing was sent, else only where a repetition is harmless (RFC 9110 section 9.2.2). Once the head of an
 * answer was there, never: this is not asked then.
 */
export function mayRepeat(code: ErrorCode, sent: boolean, idempotent: boolean): boolean {
  return sent ? idempotent && BEFORE_ANSWER.has(code) : BEFORE_SENDING.has(code)
}

/** Whether the same upstream may be asked again: a stale connection was closed, and a fresh one may do. */
export function isWorthAtSame(code: ErrorCode): boolean {
  return code === 'SERIN_UPSTREAM_RESET'
}

/** Whether the baseline may answer where the canary failed like this, or had no place for the request. */
export function isReplaceable(code: ErrorCode): boolean {
  return isVariantFault(code) || code === 'SERIN_QUEUE_FULL' || code === 'SERIN_QUEUE_TIMEOUT'
}
