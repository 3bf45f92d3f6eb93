import type { ErrorCode } from '../domain/errors.ts'

/** Why an exchange ended as it did, in the words of Envoy's access log (`%RESPONSE_FLAGS%`). */
const FLAGS: Readonly<Partial<Record<ErrorCode, string>>> = {
  SERIN_BAD_REQUEST: 'DPE',
  SERIN_NO_ROUTE: 'NR',
  SERIN_METHOD_NOT_ALLOWED: 'NR',
  SERIN_REQUEST_TIMEOUT: 'DC',
  SERIN_BODY_TOO_LARGE: 'DPE',
  SERIN_HEADERS_TOO_LARGE: 'DPE',
  SERIN_NOT_IMPLEMENTED: 'DPE',
  SERIN_VERSION_NOT_SUPPORTED: 'DPE',
  SERIN_CLIENT_CLOSED: 'DC',
  SERIN_UPSTREAM_REFUSED: 'UF',
  SERIN_UPSTREAM_UNREACHABLE: 'UF',
  SERIN_UPSTREAM_CONNECT_TIMEOUT: 'UF',
  SERIN_UPSTREAM_TLS: 'UF',
  SERIN_UPSTREAM_TLS_PROTOCOL: 'UF',
  SERIN_UPSTREAM_TLS_ALERT: 'UF',
  SERIN_UPSTREAM_DNS: 'DF',
  SERIN_UPSTREAM_DNS_TIMEOUT: 'DF',
  SERIN_UPSTREAM_RESET: 'UC',
  SERIN_UPSTREAM_TRUNCATED: 'UC',
  SERIN_UPSTREAM_PROTOCOL: 'UPE',
  SERIN_UPSTREAM_HEADERS_TOO_LARGE: 'UPE',
  SERIN_UPSTREAM_TRANSFER_CODING: 'UPE',
  SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT: 'UT',
  SERIN_UPSTREAM_TOTAL_TIMEOUT: 'UT',
  SERIN_UPSTREAM_IDLE_TIMEOUT: 'SI',
  SERIN_UPSTREAM_UNHEALTHY: 'UH',
  SERIN_QUEUE_FULL: 'UO',
  SERIN_QUEUE_TIMEOUT: 'UO',
  SERIN_OVERLOADED: 'OM',
}

/**
 * The flag of an error, and `URX` beside it when further attempts had not helped either; `-` where there is
 * none, as for every answer that is the upstream's own.
 */
export function terminationFlag(code: ErrorCode | null, attempts: number): string {
  const flag = code === null ? undefined : FLAGS[code]
  if (flag === undefined) return '-'
  return attempts > 1 && flag !== 'DC' ? `${flag},URX` : flag
}
