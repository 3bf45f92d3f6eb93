import type { ErrorCode } from '../domain/errors.ts'

/** What undici and Node say before anything of the request was written, by `code`. */
const NOT_SENT: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'SERIN_UPSTREAM_REFUSED',
  EHOSTUNREACH: 'SERIN_UPSTREAM_UNREACHABLE',
  ENETUNREACH: 'SERIN_UPSTREAM_UNREACHABLE',
  EHOSTDOWN: 'SERIN_UPSTREAM_UNREACHABLE',
  ENOTFOUND: 'SERIN_UPSTREAM_DNS',
  EAI_AGAIN: 'SERIN_UPSTREAM_DNS_TIMEOUT',
  ETIMEDOUT: 'SERIN_UPSTREAM_CONNECT_TIMEOUT',
}

/** What the process, or its machine, may run out of: files, and its ends of connections (connect(2), `EADDRNOTAVAIL`). */
const SHORTAGES: Readonly<Record<string, Shortage>> = {
  EMFILE: 'files',
  ENFILE: 'files',
  EADDRNOTAVAIL: 'ports',
}

/**
 * What the gateway itself had none left of for a connection: open files, or local ports to this server (or no address of
 * that server's family).
 */
export type Shortage = 'files' | 'ports'

/** The shortage of the gateway's own that an error tells of, which says nothing of the other side; null = it tells of none. */
export function shortageOf(error: unknown): Shortage | null {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? (SHORTAGES[code] ?? null) : null
}

/** Errors that mean the same whether the request was sent or not. */
const ANY_TIME: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'SERIN_UPSTREAM_CONNECT_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'SERIN_UPSTREAM_IDLE_TIMEOUT',
  UND_ERR_HEADERS_OVERFLOW: 'SERIN_UPSTREAM_HEADERS_TOO_LARGE',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'SERIN_UPSTREAM_TRUNCATED',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'SERIN_BAD_REQUEST',
  UND_ERR_INVALID_ARG: 'SERIN_BAD_REQUEST',
  UND_ERR_NOT_SUPPORTED: 'SERIN_BAD_REQUEST',
  UND_ERR_CLOSED: 'SERIN_UPSTREAM_CLOSED',
  UND_ERR_DESTROYED: 'SERIN_UPSTREAM_CLOSED',
  UND_ERR_SOCKET: 'SERIN_UPSTREAM_RESET',
  ECONNRESET: 'SERIN_UPSTREAM_RESET',
  EPIPE: 'SERIN_UPSTREAM_RESET',
  ETIMEDOUT: 'SERIN_UPSTREAM_RESET',
}

/** undici's messages for what an upstream may not do; their `code` is that of any broken connection. */
const PROTOCOL_MESSAGES: ReadonlySet<string> = new Set(['bad response', 'bad upgrade'])

/**
 * How far an attempt had come: `unsent` = nothing of the request was written, `sent` = the upstream may
 * have seen it, `answered` = the head of the answer had arrived.
 */
export type Stage = 'unsent' | 'sent' | 'answered'

/**
 * The code for an error of undici or Node. What nobody has met before is our own fault until shown
 * otherwise.
 */
export function classifyError(error: unknown, stage: Stage): ErrorCode {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown }
  // HTTPParserError has no code of the UND_ERR family; its own is llhttp's (HPE_…), or none.
  if (name === 'HTTPParserError') return 'SERIN_UPSTREAM_PROTOCOL'
  // undici asserts where it has no error of its own: a status below 100, or 101 without an upgrade.
  if (code === 'ERR_ASSERTION' && stage !== 'unsent') return 'SERIN_UPSTREAM_PROTOCOL'
  if (typeof code !== 'string') return 'SERIN_INTERNAL'
  if (shortageOf(error) !== null) return 'SERIN_OVERLOADED'
  if (code === 'UND_ERR_SOCKET' && PROTOCOL_MESSAGES.has(message as string)) {
    return 'SERIN_UPSTREAM_PROTOCOL'
  }
  const early = stage === 'unsent' ? NOT_SENT[code] : undefined
  const known = early ?? ANY_TIME[code] ?? NOT_SENT[code]
  if (known === 'SERIN_UPSTREAM_RESET' && stage === 'answered') return 'SERIN_UPSTREAM_TRUNCATED'
  // Before the head, lengths that do not fit are those of the head's own framing.
  if (known === 'SERIN_UPSTREAM_TRUNCATED' && stage !== 'answered') return 'SERIN_UPSTREAM_PROTOCOL'
  if (known !== undefined) return known
  return isTlsCode(code) ? classifyTlsError(code, message) : 'SERIN_INTERNAL'
}

/**
 * The error that tells most of an AggregateError, which connecting to a name with several addresses fails with: the first,
 * but of a machine without IPv6 not that it has no address for `::1`. Other errors are their own.
 */
export function rootCause(error: unknown): unknown {
  const { errors } = error as { errors?: unknown }
  if (!Array.isArray(errors) || errors.length === 0) return error
  return errors.find((each) => shortageOf(each) !== 'ports') ?? errors[0]
}

/**
 * Which of RFC 9209's three it is (sections 2.3.13 to 2.3.15). An alert is the other side's word, and has the
 * first say: `CERTIFICATE_REQUIRED` is one, and nothing is wrong with the server's own certificate.
 */
function classifyTlsError(code: string, message: unknown): ErrorCode {
  if (isAlert(code, message)) return 'SERIN_UPSTREAM_TLS_ALERT'
  if (code.includes('CERT')) return 'SERIN_UPSTREAM_TLS'
  const isHandshake = code === 'EPROTO' || code.startsWith('ERR_')
  return isHandshake ? 'SERIN_UPSTREAM_TLS_PROTOCOL' : 'SERIN_UPSTREAM_TLS'
}

/** Alerts that OpenSSL does not call so (RFC 6066 sections 3 and 9, RFC 8446 section 6.2). */
const OTHER_ALERTS: ReadonlySet<string> = new Set([
  'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
  'ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION',
  'ERR_SSL_TLSV1_CERTIFICATE_UNOBTAINABLE',
  'ERR_SSL_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE',
  'ERR_SSL_TLSV1_BAD_CERTIFICATE_HASH_VALUE',
])

function isAlert(code: string, message: unknown): boolean {
  if (code === 'EPROTO') return typeof message === 'string' && message.includes('alert number')
  return code.startsWith('ERR_SSL_') && (code.includes('_ALERT_') || OTHER_ALERTS.has(code))
}

/** Node's own TLS errors, OpenSSL's, and the reasons for which a certificate is not accepted. */
export function isTlsCode(code: string): boolean {
  return (
    code.startsWith('ERR_TLS_') ||
    code.startsWith('ERR_SSL_') ||
    code === 'EPROTO' ||
    code.includes('CERT') ||
    code.startsWith('UNABLE_TO_') ||
    code.startsWith('CRL_') ||
    code === 'INVALID_CA' ||
    code === 'INVALID_PURPOSE' ||
    code === 'PATH_LENGTH_EXCEEDED' ||
    code === 'HOSTNAME_MISMATCH'
  )
}
