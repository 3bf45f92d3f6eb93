import type { Outcome } from './outcome.ts'

/** What an error code stands for, wherever it shows: in an answer, a log line or an exit message. */
export type ErrorEntry = {
  /** HTTP status of the answer. 499 is never sent: it stands in logs and metrics for a client that left. */
  readonly status: number
  readonly title: string
  /** One sentence for the caller. Says nothing about addresses or the inside. */
  readonly detail: string
  /** Error type of the `Proxy-Status` field (RFC 9209 section 2.3); null where no proxying was tried. */
  readonly proxyStatus: string | null
  /**
   * How a request that was assigned is booked when it ends with this error. `failed` and `no_answer`
   * are the variant's fault, the others are not. Null: such requests are never assigned.
   */
  readonly outcome: Outcome | null
}

/**
 * The catalogue of errors: every one that serin makes itself, by its code. Codes are stable; clients
 * may switch on them.
 */
export const ERRORS = {
  SERIN_BAD_REQUEST: {
    status: 400,
    title: 'Bad request',
    detail: 'The request is malformed or ambiguous.',
    proxyStatus: 'http_request_error',
    outcome: 'client_closed',
  },
  SERIN_UNAUTHENTICATED: {
    status: 401,
    title: 'Token needed',
    detail: 'A valid bearer token is needed.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_FORBIDDEN: {
    status: 403,
    title: 'Not allowed',
    detail: 'The token does not have the scope that this needs.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_NOT_FOUND: {
    status: 404,
    title: 'Not found',
    detail: 'There is nothing at this address.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_UNKNOWN_SERVICE: {
    status: 404,
    title: 'Unknown service',
    detail: 'No service of this name is configured.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_NO_ROUTE: {
    status: 404,
    title: 'No such route',
    detail: 'No service matches the host and path, and there is no passthrough.',
    proxyStatus: 'destination_not_found',
    outcome: null,
  },
  SERIN_METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'Method not allowed',
    detail: 'The service at this path does not take this method.',
    proxyStatus: 'http_request_denied',
    outcome: null,
  },
  SERIN_REQUEST_TIMEOUT: {
    status: 408,
    title: 'Request timeout',
    detail: 'The request did not arrive in time.',
    proxyStatus: 'http_request_error',
    outcome: 'client_closed',
  },
  SERIN_REFUSED: {
    status: 409,
    title: 'Refused',
    detail: 'The present state does not allow this.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_STALE_REVISION: {
    status: 412,
    title: 'Changed in the meantime',
    detail: 'The state is no longer the one that If-Match names.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_BODY_TOO_LARGE: {
    status: 413,
    title: 'Body too large',
    detail: 'The request body is larger than the configured limit.',
    proxyStatus: 'http_request_error',
    outcome: 'client_closed',
  },
  SERIN_UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported content type',
    detail: 'The body must be JSON.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_EXPECTATION_FAILED: {
    status: 417,
    title: 'Expectation failed',
    detail: 'The only expectation supported is 100-continue.',
    proxyStatus: 'http_request_error',
    outcome: null,
  },
  SERIN_CONFIG_INVALID: {
    status: 422,
    title: 'Configuration refused',
    detail: 'The configuration has mistakes; the running one stays.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_HEADERS_TOO_LARGE: {
    status: 431,
    title: 'Header section too large',
    detail: 'The request has too many header fields, or they are too long.',
    proxyStatus: 'http_request_error',
    outcome: null,
  },
  SERIN_CLIENT_CLOSED: {
    status: 499,
    title: 'Client closed the connection',
    detail: 'The client left before the answer was complete.',
    proxyStatus: null,
    outcome: 'client_closed',
  },
  SERIN_INTERNAL: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong inside the gateway.',
    proxyStatus: 'proxy_internal_error',
    outcome: 'rejected',
  },
  SERIN_NOT_IMPLEMENTED: {
    status: 501,
    title: 'Not implemented',
    detail: 'The gateway does not support this method, transfer coding or upgrade.',
    proxyStatus: 'http_request_denied',
    outcome: null,
  },
  SERIN_UPSTREAM_REFUSED: {
    status: 502,
    title: 'Upstream refused the connection',
    detail: 'The model server does not accept connections.',
    proxyStatus: 'connection_refused',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_UNREACHABLE: {
    status: 502,
    title: 'Upstream unreachable',
    detail: 'There is no route to the model server.',
    proxyStatus: 'destination_ip_unroutable',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_DNS: {
    status: 502,
    title: 'Upstream name unknown',
    detail: 'The name of the model server could not be resolved.',
    proxyStatus: 'dns_error',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_DNS_TIMEOUT: {
    status: 504,
    title: 'Name lookup timeout',
    detail: 'The name of the model server was not resolved in time.',
    proxyStatus: 'dns_timeout',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_TLS: {
    status: 502,
    title: 'Upstream certificate refused',
    detail: 'The model server could not be verified, or it refused the TLS handshake.',
    proxyStatus: 'tls_certificate_error',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_RESET: {
    status: 502,
    title: 'Upstream closed the connection',
    detail: 'The model server closed the connection before it answered.',
    proxyStatus: 'connection_terminated',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_PROTOCOL: {
    status: 502,
    title: 'Upstream answer invalid',
    detail: 'The answer of the model server is not valid HTTP.',
    proxyStatus: 'http_protocol_error',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_HEADERS_TOO_LARGE: {
    status: 502,
    title: 'Upstream header section too large',
    detail: 'The header section of the answer is too large.',
    proxyStatus: 'http_response_header_section_size',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_TRANSFER_CODING: {
    status: 502,
    title: 'Upstream transfer coding unknown',
    detail: 'The answer has a transfer coding other than chunked.',
    proxyStatus: 'http_response_transfer_coding',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_TRUNCATED: {
    status: 502,
    title: 'Upstream answer incomplete',
    detail: 'The answer of the model server broke off.',
    proxyStatus: 'http_response_incomplete',
    outcome: 'failed',
  },
  SERIN_UPSTREAM_CONNECT_TIMEOUT: {
    status: 504,
    title: 'Connect timeout',
    detail: 'The model server did not accept the connection in time.',
    proxyStatus: 'connection_timeout',
    outcome: 'no_answer',
  },
  SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT: {
    status: 504,
    title: 'First byte timeout',
    detail: 'The model server did not begin to answer in time.',
    proxyStatus: 'http_response_timeout',
    outcome: 'no_answer',
  },
  SERIN_UPSTREAM_IDLE_TIMEOUT: {
    status: 504,
    title: 'Idle timeout',
    detail: 'The model server paused too long within its answer.',
    proxyStatus: 'connection_read_timeout',
    outcome: 'no_answer',
  },
  SERIN_UPSTREAM_TOTAL_TIMEOUT: {
    status: 504,
    title: 'Total timeout',
    detail: 'The whole exchange took longer than allowed.',
    proxyStatus: 'http_response_timeout',
    outcome: 'no_answer',
  },
  SERIN_UPSTREAM_CLOSED: {
    status: 503,
    title: 'Service going away',
    detail: 'The service is being removed from the configuration.',
    proxyStatus: 'destination_unavailable',
    outcome: 'rejected',
  },
  SERIN_OVERLOADED: {
    status: 503,
    title: 'Too many requests in flight',
    detail: 'The gateway has reached its limit of requests in flight.',
    proxyStatus: 'connection_limit_reached',
    outcome: 'rejected',
  },
  SERIN_SHUTTING_DOWN: {
    status: 503,
    title: 'Gateway shutting down',
    detail: 'The gateway is shutting down.',
    proxyStatus: 'destination_unavailable',
    outcome: 'rejected',
  },
  SERIN_STORE_FAILED: {
    status: 503,
    title: 'Store failed',
    detail: 'The store did not take or give the data.',
    proxyStatus: null,
    outcome: null,
  },
  SERIN_VERSION_NOT_SUPPORTED: {
    status: 505,
    title: 'HTTP version not supported',
    detail: 'The gateway speaks HTTP/1.1 and HTTP/1.0.',
    proxyStatus: 'http_request_error',
    outcome: null,
  },
  SERIN_LOOP_DETECTED: {
    status: 508,
    title: 'Loop detected',
    detail: 'The request came through this gateway before.',
    proxyStatus: 'proxy_loop_detected',
    outcome: null,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERRORS

/** The catalogue's entry, in its general shape. */
export function errorEntry(code: ErrorCode): ErrorEntry {
  return ERRORS[code]
}

/** Whether requests that end with this error count against the variant that they were assigned to. */
export function isVariantFault(code: ErrorCode): boolean {
  const { outcome } = errorEntry(code)
  return outcome === 'failed' || outcome === 'no_answer'
}
