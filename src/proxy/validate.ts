import { METHODS, type IncomingMessage } from 'node:http'
import type { ErrorCode } from '../domain/errors.ts'

/** A request that is not served: the code, and what exactly is wrong where the code alone does not say it. */
export type Refusal = { readonly code: ErrorCode; readonly detail?: string }

/** Most field lines of a request. Node drops those beyond its own limit silently, so ours lies below. */
export const MAX_HEADER_LINES = 256

/**
 * All of HTTP's but two that a gateway in front of model servers has no use for, and attackers have (RFC 9110
 * section 9.3.8). Node's parser takes those of RTSP too, with RTSP's name in the place of HTTP's.
 */
const SERVED_METHODS: ReadonlySet<string> = new Set(
  METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE'),
)

/**
 * Refuses what Node's parser lets through but two readers could understand differently, puts a
 * request target in absolute form into origin form (RFC 9112 section 3.2.2), so that `req.url` begins with `/`
 * afterwards, and counts down the `Max-Forwards` of an OPTIONS. Null: the request is sound. After a refusal the connection must be closed.
 */
export function validateRequest(req: IncomingMessage): Refusal | null {
  if (req.httpVersionMajor !== 1 || req.httpVersionMinor > 1) {
    return { code: 'SERIN_VERSION_NOT_SUPPORTED' }
  }
  if (!SERVED_METHODS.has(req.method!)) {
    return { code: 'SERIN_NOT_IMPLEMENTED', detail: `The method ${req.method!} is not supported.` }
  }
  const { rawHeaders } = req
  if (rawHeaders.length > 2 * MAX_HEADER_LINES) {
    return {
      code: 'SERIN_HEADERS_TOO_LARGE',
      detail: `The request has more than ${MAX_HEADER_LINES} header lines.`,
    }
  }
  return (
    checkHost(req) ??
    checkFraming(req) ??
    checkTarget(req) ??
    checkExpectation(req) ??
    (req.method === 'OPTIONS' ? countForward(req) : null)
  )
}

/** RFC 9112 section 3.2: exactly one Host, and one that is valid. */
function checkHost(req: IncomingMessage): Refusal | null {
  const { rawHeaders } = req
  let hosts = 0
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n]!
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) return bad('The request has more than one Host.')
  if (hosts === 0) return req.httpVersionMinor === 0 ? null : bad('The request has no Host.')
  return isAuthority(req.headers.host!) ? null : bad('The Host is not valid.')
}

/** RFC 9112 sections 6.1 and 7: chunked is the only transfer coding here, and HTTP/1.0 has none. */
function checkFraming(req: IncomingMessage): Refusal | null {
  const coding = req.headers['transfer-encoding']
  if (coding === undefined) return null
  if (req.httpVersionMinor === 0) return bad('HTTP/1.0 has no Transfer-Encoding.')
  if (coding.toLowerCase() === 'chunked') return null
  return { code: 'SERIN_NOT_IMPLEMENTED', detail: 'The only transfer coding supported is chunked.' }
}

/** RFC 9112 section 3.2: the four forms of a request target. */
function checkTarget(req: IncomingMessage): Refusal | null {
  const url = req.url!
  // One server takes it for a part of the path, the next cuts it off (CVE-2021-32779).
  if (url.includes('#')) return bad('The request target has a fragment.')
  if (url.charCodeAt(0) === 0x2f /* / */) return null
  if (url === '*') {
    return req.method === 'OPTIONS'
      ? { code: 'SERIN_NOT_IMPLEMENTED', detail: 'OPTIONS * is not supported.' }
      : bad('The request target * is for OPTIONS alone.')
  }
  const scheme = /^http(s?):\/\//i.exec(url)
  if (scheme === null) return bad('The request target is not valid.')
  const rest = url.slice(scheme[0].length)
  const end = rest.search(/[/?]/)
  const authority = end === -1 ? rest : rest.slice(0, end)
  if (!isAuthority(authority)) return bad('The request target is not valid.')
  // Section 3.2.2 has the target win over Host; a difference between them has no honest reason.
  req.headers.host ??= authority
  const defaultPort = scheme[1] === '' ? ':80' : ':443'
  if (normalize(authority, defaultPort) !== normalize(req.headers.host, defaultPort)) {
    return bad('The request target names another host than the Host field.')
  }
  const path = end === -1 ? '' : rest.slice(end)
  req.url = path.startsWith('/') ? path : `/${path}`
  return null
}

/**
 * RFC 9110 section 10.1.1: a list of expectations, which may be empty; serin meets one alone. HTTP/1.0 has none.
 */
function checkExpectation(req: IncomingMessage): Refusal | null {
  const { expect } = req.headers
  if (expect === undefined || req.httpVersionMinor === 0) return null
  const isMet = expect.toLowerCase().split(',').every(isContinueOrNothing)
  return isMet ? null : { code: 'SERIN_EXPECTATION_FAILED' }
}

/** The most that a `Max-Forwards` says behind serin: no chain of proxies is longer. */
const MOST_FORWARDS = 255

/**
 * RFC 9110 section 7.6.2: an OPTIONS may say through how many proxies it goes at most. The last one answers itself, and
 * serin has nothing to say of itself; what is no number is left to others.
 */
function countForward({ headers, rawHeaders }: IncomingMessage): Refusal | null {
  const most = headers['max-forwards']
  if (typeof most !== 'string' || !/^\d+$/.test(most)) return null
  const left = Number(most)
  if (left === 0) {
    const detail = 'OPTIONS of the gateway itself (Max-Forwards: 0) is not supported.'
    return { code: 'SERIN_NOT_IMPLEMENTED', detail }
  }
  const name = rawHeaders.findIndex((each, n) => n % 2 === 0 && /^max-forwards$/i.test(each))
  rawHeaders[name + 1] = String(Math.min(left - 1, MOST_FORWARDS))
  return null
}

function isContinueOrNothing(member: string): boolean {
  const expected = member.trim()
  return expected === '100-continue' || expected === ''
}

/** RFC 9110 section 4.2.3: hosts are the same in any case, and no port, an empty one and the scheme's own are. */
function normalize(authority: string, defaultPort: string): string {
  const lower = authority.toLowerCase()
  if (lower.endsWith(defaultPort)) return lower.slice(0, -defaultPort.length)
  return lower.endsWith(':') ? lower.slice(0, -1) : lower
}

function bad(detail: string): Refusal {
  return { code: 'SERIN_BAD_REQUEST', detail }
}

/**
 * Host and optional port (RFC 3986 section 3.2.2), by its characters: unreserved, sub-delims, percent
 * signs, and brackets and colons for IPv6. That is enough to keep out what ends or splits an authority.
 */
function isAuthority(host: string): boolean {
  const isLiteral = host.charCodeAt(0) === 0x5b /* [ */
  let n = isLiteral ? 1 : 0
  const from = n
  while (n < host.length && isHostCode(host.charCodeAt(n), isLiteral)) n++
  if (n === from) return false
  if (isLiteral && host.charCodeAt(n++) !== 0x5d /* ] */) return false
  return n === host.length || (host.charCodeAt(n) === COLON && isPort(host, n + 1))
}

/** Digits from there to the end, or nothing. */
function isPort(host: string, from: number): boolean {
  let n = from
  while (n < host.length && isDigit(host.charCodeAt(n))) n++
  return n === host.length
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isHostCode(code: number, isLiteral: boolean): boolean {
  return code < 0x80 && (HOST_CODES[code] === 1 || (isLiteral && code === COLON))
}

const COLON = 0x3a

/** Letters, digits, and the other characters of unreserved, sub-delims and percent signs. */
const HOST_CODES = Uint8Array.from({ length: 0x80 }, (_, code) =>
  /[A-Za-z0-9\-._~!$&'()*+,;=%]/.test(String.fromCharCode(code)) ? 1 : 0,
)
