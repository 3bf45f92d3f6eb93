import { HOP_BY_HOP_NAMES } from '../domain/header-names.ts'
import { connectionTokens, HOP_BY_HOP } from './hop-by-hop.ts'
import { NameSet } from './name-set.ts'
import { membersOfOthers } from './proxy-status.ts'

/** What serin adds to an answer. */
export type ResponseAdditions = {
  readonly status: number
  /** Null = the answer names no variant. */
  readonly variant: string | null
  /** The variant in whose place this one answers; null = it answers for itself. */
  readonly fallbackFrom: string | null
  readonly requestId: string
  readonly requestIdHeader: string
  /** serin's pseudonym in `Proxy-Status`. */
  readonly name: string
}

/** What the client's connection makes of an answer. */
export type ResponseFraming = {
  /** It ends with this answer. */
  readonly close: boolean
  /** Trailers can be passed on (RFC 9110 section 6.5.1: the client sent `TE: trailers`, and is HTTP/1.1). */
  readonly trailers: boolean
}

/** The head of an answer as it goes to the client. */
export type ResponseHead = {
  /** Flat pairs. */
  readonly headers: string[]
  readonly isEventStream: boolean
  /** The body is encoded (`content-encoding`): its bytes are not what they stand for. */
  readonly isEncoded: boolean
  /** Bytes of the body as its `content-length` has them; null = it has none. */
  readonly bodyBytes: number | null
}

/** The one transfer coding there is, as undici's parser knows it. */
const CHUNKED = /^chunked *$/i

/** Fields that serin alone speaks for. */
const OWN = 'x-serin-variant'
const OWN_FALLBACK = 'x-serin-fallback'

/** What never passes, with the marks of serin's own answers and copies: a model that set them would speak as the gateway. */
const DROPPED = new NameSet([
  ...HOP_BY_HOP_NAMES,
  ...[OWN, OWN_FALLBACK, 'x-serin-error', 'x-serin-mirror'],
])

/**
 * The client's response header out of undici's raw pairs: field lines in their order, case and number,
 * bytes decoded as latin1 and so unchanged; less what concerns the upstream's connection alone, plus ours.
 * Null when the body has a transfer coding other than chunked: undici would drop the coding's name and
 * leave the bytes encoded.
 */
export function buildResponseHead(
  raw: readonly Buffer[],
  add: ResponseAdditions,
  framing: ResponseFraming,
): ResponseHead | null {
  const headers: string[] = []
  const connection = findConnection(raw)
  const tokens = connection === undefined ? null : connectionTokens(connection)
  let trailer: string | null = null
  let isChunked = false
  let isEventStream = false
  let isEncoded = false
  let bodyBytes: number | null = null
  for (let n = 0; n < raw.length; n += 2) {
    const field = raw[n]!.toString('latin1')
    const name = field.toLowerCase()
    const value = raw[n + 1]!.toString('latin1')
    if (name === 'transfer-encoding') {
      // undici leaves the whitespace after a value, and its parser takes a coding with a tab behind it for another one.
      // Chunked twice is a fault (RFC 9112 section 6.1).
      if (isChunked || !CHUNKED.test(value)) return null
      isChunked = true
      continue
    }
    if (DROPPED.has(name) || name === add.requestIdHeader) continue
    if (tokens !== null && tokens.has(name)) continue
    if (name === 'trailer') {
      trailer = value
      continue
    }
    if (name === 'proxy-status') {
      const others = membersOfOthers(value, add.name)
      if (others !== '') headers.push(field, others)
      continue
    }
    // RFC 9110 section 8.6: not with 204, and not with 1xx.
    if (name === 'content-length') {
      if (add.status === 204 || add.status === 101) continue
      bodyBytes = Number(value)
    }
    if (name === 'content-type') {
      isEventStream = value.slice(0, 17).toLowerCase() === 'text/event-stream'
    }
    if (name === 'content-encoding') isEncoded = value !== 'identity'
    headers.push(field, value)
  }
  // Node refuses the field where there is no chunked body to carry what it announces.
  if (trailer !== null && isChunked && framing.trailers) headers.push('trailer', trailer)
  headers.push(add.requestIdHeader, add.requestId)
  if (add.variant !== null) {
    headers.push(OWN, add.variant)
    if (add.fallbackFrom !== null) headers.push(OWN_FALLBACK, add.fallbackFrom)
  }
  if (framing.close) headers.push('connection', 'close')
  return { headers, isEventStream, isEncoded, bodyBytes }
}

/** Trailer fields that may be passed on, as pairs; never framing, routing or authentication (6.5.1). */
export function buildTrailers(raw: readonly Buffer[]): [string, string][] {
  const trailers: [string, string][] = []
  for (let n = 0; n < raw.length; n += 2) {
    const field = raw[n]!.toString('latin1')
    const name = field.toLowerCase()
    if (HOP_BY_HOP.has(name) || NEVER_TRAILING.has(name) || name.startsWith('x-serin-')) continue
    trailers.push([field, raw[n + 1]!.toString('latin1')])
  }
  return trailers
}

const NEVER_TRAILING = new NameSet([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'set-cookie',
  'trailer',
  'www-authenticate',
])

function findConnection(raw: readonly Buffer[]): string | undefined {
  let connection: string | undefined
  for (let n = 0; n < raw.length; n += 2) {
    if (raw[n]!.length !== 10 || raw[n]!.toString('latin1').toLowerCase() !== 'connection') continue
    const value = raw[n + 1]!.toString('latin1')
    connection = connection === undefined ? value : `${connection},${value}`
  }
  return connection
}
