import { entry, type ErrorEntry } from './error-entry.ts'

/**
 * The catalogue of errors: every one that serin makes itself, by its code. Codes are stable; clients
 * may switch on them.
 */
export const ERRORS = {
  SERIN_BAD_REQUEST: entry(
    400,
    'Bad request',
    'The request is malformed or ambiguous.',
    'http_request_error',
    'client_closed',
  ),
  SERIN_UNAUTHENTICATED: entry(401, 'Token needed', 'A valid bearer token is needed.'),
  SERIN_FORBIDDEN: entry(403, 'Not allowed', 'The token does not have the scope that this needs.'),
  SERIN_NOT_FOUND: entry(404, 'Not found', 'There is nothing at this address.'),
  SERIN_UNKNOWN_SERVICE: entry(404, 'Unknown service', 'No service of this name is configured.'),
  SERIN_NO_ROUTE: entry(
    404,
    'No such route',
    'No service matches the host and path, and there is no passthrough.',
    'destination_not_found',
  ),
  SERIN_METHOD_NOT_ALLOWED: entry(
    405,
    'Method not allowed',
    'The service at this path does not take this method.',
    'http_request_denied',
  ),
  SERIN_REQUEST_TIMEOUT: entry(
    408,
    'Request timeout',
    'The request did not arrive in time.',
    'http_request_error',
    'client_closed',
  ),
  SERIN_REFUSED: entry(409, 'Refused', 'The present state does not allow this.'),
  SERIN_STALE_REVISION: entry(
    412,
    'Changed in the meantime',
    'The state is no longer the one that If-Match names.',
  ),
  SERIN_BODY_TOO_LARGE: entry(
    413,
    'Body too large',
    'The request body is larger than the configured limit.',
    'http_request_error',
    'client_closed',
  ),
  SERIN_UNSUPPORTED_MEDIA_TYPE: entry(415, 'Unsupported content type', 'The body must be JSON.'),
  SERIN_EXPECTATION_FAILED: entry(
    417,
    'Expectation failed',
    'The only expectation supported is 100-continue.',
    'http_request_error',
  ),
  SERIN_CONFIG_INVALID: entry(
    422,
    'Configuration refused',
    'The configuration has mistakes; the running one stays.',
  ),
  SERIN_HEADERS_TOO_LARGE: entry(
    431,
    'Header section too large',
    'The request has too many header fields, or they are too long.',
    'http_request_error',
    'client_closed',
  ),
  SERIN_CLIENT_CLOSED: entry(
    499,
    'Client closed the connection',
    'The client left before the answer was complete.',
    null,
    'client_closed',
  ),
  SERIN_INTERNAL: entry(
    500,
    'Internal error',
    'Something went wrong inside the gateway.',
    'proxy_internal_error',
    'rejected',
  ),
  SERIN_NOT_IMPLEMENTED: entry(
    501,
    'Not implemented',
    'The gateway does not support this method, transfer coding or upgrade.',
    'http_request_denied',
  ),
  SERIN_UPSTREAM_REFUSED: entry(
    502,
    'Upstream refused the connection',
    'The model server does not accept connections.',
    'connection_refused',
    'failed',
  ),
  SERIN_UPSTREAM_UNREACHABLE: entry(
    502,
    'Upstream unreachable',
    'There is no route to the model server.',
    'destination_ip_unroutable',
    'failed',
  ),
  SERIN_UPSTREAM_DNS: entry(
    502,
    'Upstream name unknown',
    'The name of the model server could not be resolved.',
    'dns_error',
    'failed',
  ),
  SERIN_UPSTREAM_DNS_TIMEOUT: entry(
    504,
    'Name lookup timeout',
    'The name of the model server was not resolved in time.',
    'dns_timeout',
    'failed',
  ),
  SERIN_UPSTREAM_TLS: entry(
    502,
    'Upstream certificate refused',
    'The model server could not be verified.',
    'tls_certificate_error',
    'failed',
  ),
  SERIN_UPSTREAM_TLS_PROTOCOL: entry(
    502,
    'Upstream TLS failed',
    'The model server does not speak TLS, or breaks its rules.',
    'tls_protocol_error',
    'failed',
  ),
  SERIN_UPSTREAM_TLS_ALERT: entry(
    502,
    'Upstream refused TLS',
    'The model server refused the TLS connection, as for want of a client certificate.',
    'tls_alert_received',
    'failed',
  ),
  SERIN_UPSTREAM_RESET: entry(
    502,
    'Upstream closed the connection',
    'The model server closed the connection before it answered.',
    'connection_terminated',
    'failed',
  ),
  SERIN_UPSTREAM_PROTOCOL: entry(
    502,
    'Upstream answer invalid',
    'The answer of the model server is not valid HTTP.',
    'http_protocol_error',
    'failed',
  ),
  SERIN_UPSTREAM_HEADERS_TOO_LARGE: entry(
    502,
    'Upstream header section too large',
    'The header section of the answer is too large.',
    'http_response_header_section_size',
    'failed',
  ),
  SERIN_UPSTREAM_TRANSFER_CODING: entry(
    502,
    'Upstream transfer coding unknown',
    'The answer has a transfer coding other than chunked.',
    'http_response_transfer_coding',
    'failed',
  ),
  SERIN_UPSTREAM_TRUNCATED: entry(
    502,
    'Upstream answer incomplete',
    'The answer of the model server broke off.',
    'http_response_incomplete',
    'failed',
  ),
  SERIN_UPSTREAM_STREAM_ERROR: entry(
    502,
    'Upstream stream failed',
    'The model server ended its stream with an error.',
    'http_response_incomplete',
    'failed',
  ),
  SERIN_UPSTREAM_CONNECT_TIMEOUT: entry(
    504,
    'Connect timeout',
    'The model server did not accept the connection in time.',
    'connection_timeout',
    'no_answer',
  ),
  SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT: entry(
    504,
    'First byte timeout',
    'The model server did not begin to answer in time.',
    'http_response_timeout',
    'no_answer',
  ),
  SERIN_UPSTREAM_IDLE_TIMEOUT: entry(
    504,
    'Idle timeout',
    'The model server paused too long within its answer.',
    'connection_read_timeout',
    'no_answer',
  ),
  SERIN_UPSTREAM_TOTAL_TIMEOUT: entry(
    504,
    'Total timeout',
    'The whole exchange took longer than allowed.',
    'http_response_timeout',
    'no_answer',
  ),
  SERIN_UPSTREAM_CLOSED: entry(
    503,
    'Service going away',
    'The service is being removed from the configuration.',
    'destination_unavailable',
    'rejected',
  ),
  SERIN_UPSTREAM_UNHEALTHY: entry(
    503,
    'No healthy upstream',
    'No model server of this version passes its health checks.',
    'destination_unavailable',
    'failed',
  ),
  SERIN_QUEUE_FULL: entry(
    503,
    'Queue full',
    'As many requests as allowed are at the model server, and as many wait.',
    'connection_limit_reached',
    'rejected',
  ),
  SERIN_QUEUE_TIMEOUT: entry(
    503,
    'Queue timeout',
    'The request has waited too long for its turn at the model server.',
    'connection_limit_reached',
    'rejected',
  ),
  SERIN_OVERLOADED: entry(
    503,
    'Too many requests in flight',
    'The gateway has reached its limit of requests in flight, of open files or of local ports.',
    'connection_limit_reached',
    'rejected',
  ),
  SERIN_SHUTTING_DOWN: entry(
    503,
    'Gateway shutting down',
    'The gateway is shutting down.',
    'destination_unavailable',
    'rejected',
  ),
  SERIN_NO_WORKER: entry(503, 'No worker', 'No worker process is running at the moment.'),
  SERIN_STORE_FAILED: entry(503, 'Store failed', 'The store did not take or give the data.'),
  SERIN_VERSION_NOT_SUPPORTED: entry(
    505,
    'HTTP version not supported',
    'The gateway speaks HTTP/1.1 and HTTP/1.0.',
    'http_request_error',
  ),
  SERIN_LOOP_DETECTED: entry(
    508,
    'Loop detected',
    'The request came through this gateway before.',
    'proxy_loop_detected',
  ),
}

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
