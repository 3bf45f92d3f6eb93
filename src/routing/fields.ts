import { watchedPointers } from '../domain/rollout-spec.ts'
import type { FieldSource, Service } from '../domain/service.ts'
import { toByteString } from './byte-string.ts'

const TAB = 0x09
const SPACE = 0x20
const EQUALS = 0x3d

/**
 * What assignment may read of a request. Values are byte strings (character codes 0–255), or null where the
 * request has no such field or it cannot be read.
 */
export type RequestFields = {
  /** First field line of this lower-case name, raw. */
  readonly header: (name: string) => string | null
  /** First cookie of this name, raw (`readCookie`). */
  readonly cookie: (name: string) => string | null
  /** First query parameter of this name, raw: not percent-decoded (`readQuery`). */
  readonly query: (name: string) => string | null
  /** What the JSON body has at this RFC 6901 pointer (`scanJson`). */
  readonly body: (pointer: string) => string | null
  /** The client's address in text form. */
  readonly ip: () => string
  /** Whether the request carries this override secret; compares in constant time. */
  readonly secretMatches: (expected: string) => boolean
}

/** The value of one field of a request: a byte string, or null when it is absent or cannot be read. */
export function readField(fields: RequestFields, source: FieldSource): string | null {
  switch (source.from) {
    case 'header':
      return fields.header(source.name)
    case 'cookie':
      return fields.cookie(source.name)
    case 'query':
      return fields.query(source.name)
    case 'body':
      return fields.body(source.pointer)
    case 'ip':
      return fields.ip()
  }
}

/** What is read from a request's body, in one pass: pointers, each once. */
export type BodyPointers = {
  /** The key's first, those of the rules, then what only the analysis asks for. */
  readonly all: readonly string[]
  /** How many of them, from the first on, decide where a request goes. */
  readonly deciding: number
}

/** The pointers into the body that a service's key, rules, segments and drift metrics read. */
export function bodyPointers({ split, observe, rollout }: Service): BodyPointers {
  const { key, rules } = split
  const conditions = rules.flatMap((rule) => rule.when.map((condition) => condition.field))
  const deciding = pointersOf(key === null ? conditions : [key, ...conditions])
  const asked = pointersOf(observe.segment === undefined ? [] : [observe.segment.from])
  const all = new Set([...deciding, ...asked, ...watchedPointers(rollout)])
  return { all: [...all], deciding: deciding.length }
}

function pointersOf(sources: readonly FieldSource[]): readonly string[] {
  return [...new Set(sources.flatMap((source) => (source.from === 'body' ? [source.pointer] : [])))]
}

/**
 * The first cookie of a name in a Cookie header (a byte string; RFC 6265 §4.2.1), raw: quotes stay, nothing
 * is decoded. Names are compared with case; blanks around a pair are not part of it.
 */
export function readCookie(cookieHeader: string, name: string): string | null {
  const wanted = toByteString(name)
  let start = 0
  while (start < cookieHeader.length) {
    while (isBlank(cookieHeader, start)) start++
    const semicolon = cookieHeader.indexOf(';', start)
    let end = semicolon === -1 ? cookieHeader.length : semicolon
    const next = end + 1
    const equals = start + wanted.length
    if (cookieHeader.startsWith(wanted, start) && cookieHeader.charCodeAt(equals) === EQUALS) {
      // Not trim(): it would eat the byte A0, which ends many characters of UTF-8.
      while (isBlank(cookieHeader, end - 1)) end--
      return cookieHeader.slice(equals + 1, end)
    }
    start = next
  }
  return null
}

/**
 * The first query parameter of a name in a request target (a byte string), raw: name and value are compared
 * and returned as they stand in the URL, not percent-decoded. A parameter without `=` has the value ''.
 */
export function readQuery(rawUrl: string, name: string): string | null {
  const wanted = toByteString(name)
  let start = rawUrl.indexOf('?') + 1
  if (start === 0) return null
  while (start < rawUrl.length) {
    const ampersand = rawUrl.indexOf('&', start)
    const end = ampersand === -1 ? rawUrl.length : ampersand
    const after = start + wanted.length
    if (after <= end && rawUrl.startsWith(wanted, start)) {
      if (after === end) return ''
      if (rawUrl.charCodeAt(after) === EQUALS) return rawUrl.slice(after + 1, end)
    }
    start = end + 1
  }
  return null
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === SPACE || code === TAB
}
