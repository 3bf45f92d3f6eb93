import type { IncomingMessage } from 'node:http'
import { connectionTokens, HOP_BY_HOP, isDisguised } from './hop-by-hop.ts'
import type { Peer } from './peer.ts'

/** What serin adds to a request on its way to the upstream. */
export type RequestAdditions = {
  readonly variant: string
  readonly requestId: string
  /** Lower case. */
  readonly requestIdHeader: string
  /** serin's pseudonym in `Via`. */
  readonly name: string
  readonly peer: Peer
}

/** Longest request id that is taken over from a client. */
const LONGEST_REQUEST_ID = 200

/**
 * The upstream's request header as flat pairs: the client's field lines in their order, case and number,
 * latin1 strings as they came, less what concerns the connection alone, plus ours.
 *
 * - Host becomes `x-forwarded-host`; the upstream's own authority is its Host.
 * - A client's `x-serin-*` never passes, nor what an upstream could take for one of serin's own fields.
 * - `forwarded`, `x-real-ip` and `x-forwarded-*` pass from a trusted proxy only; `x-forwarded-for` is
 *   appended to then, the others are kept. From anyone else they are replaced.
 * - `via` is appended (RFC 9110 section 7.6.3), the trailer section is dropped (6.5.1 allows it): undici
 *   cannot send one.
 */
export function buildRequestHeaders(req: IncomingMessage, add: RequestAdditions): string[] {
  const raw = req.rawHeaders
  const tokens = connectionTokens(req.headers.connection)
  const trusted = add.peer.isTrusted
  const headers: string[] = []
  let forwardedFor = ''
  let hasProto = false
  let hasHost = false
  let hasId = false
  for (let n = 0; n < raw.length; n += 2) {
    const field = raw[n]!
    const value = raw[n + 1]!
    const name = field.toLowerCase()
    if (HOP_BY_HOP.has(name) || name === 'host' || name === 'trailer') continue
    if (isDisguised(name)) continue
    if (tokens !== null && tokens.has(name) && name !== add.requestIdHeader) continue
    if (name === add.requestIdHeader) {
      if (!hasId) headers.push(field, add.requestId)
      hasId = true
      continue
    }
    if (name.charCodeAt(0) === 0x78 /* x */) {
      if (name.startsWith('x-serin-')) continue
      if (name === 'x-real-ip' || name.startsWith('x-forwarded-')) {
        if (!trusted) continue
        if (name === 'x-forwarded-for') {
          forwardedFor += `${value}, `
          continue
        }
        if (name === 'x-forwarded-proto') hasProto = true
        if (name === 'x-forwarded-host') hasHost = true
      }
    } else if (name === 'forwarded' && !trusted) continue
    headers.push(field, value)
  }
  if (!hasId) headers.push(add.requestIdHeader, add.requestId)
  headers.push('via', `${req.httpVersion} ${add.name}`, 'x-forwarded-for')
  headers.push(forwardedFor + add.peer.address)
  if (!hasProto) headers.push('x-forwarded-proto', add.peer.proto)
  const host = req.headers.host
  if (!hasHost && host !== undefined) headers.push('x-forwarded-host', host)
  headers.push('x-serin-variant', add.variant)
  return headers
}

/** The id that the client gave its request, if it is one: visible ASCII, at most 200 characters. Else null. */
export function readRequestId(req: IncomingMessage, header: string): string | null {
  const id = req.headers[header]
  if (typeof id !== 'string' || id.length === 0 || id.length > LONGEST_REQUEST_ID) return null
  for (let n = 0; n < id.length; n++) {
    const code = id.charCodeAt(n)
    if (code <= 0x20 || code >= 0x7f) return null
  }
  return id
}

/** Whether the request came through a proxy of this pseudonym before (RFC 9110 section 7.6.3). */
export function isLoop(via: string | undefined, name: string): boolean {
  if (via === undefined) return false
  return via.split(',').some((hop) => hop.trim().split(' ')[1] === name)
}
