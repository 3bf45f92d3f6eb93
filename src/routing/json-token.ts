import { encodeCodePoint } from './byte-string.ts'
import { hexDigit } from './hex-digit.ts'

/** Stands for a position where the bytes end before the token does. */
export const INCOMPLETE = -1
/** Stands for a position where the bytes are no such token. */
export const MALFORMED = -2

const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const UPPER_I = 0x49
const UPPER_N = 0x4e
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const LOWER_E = 0x65
const LOWER_F = 0x66
const LOWER_N = 0x6e
const LOWER_T = 0x74
const LOWER_U = 0x75
const CLOSE_BRACE = 0x7d

/** RFC 8259 §7: what the character after a backslash stands for. */
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
  [0x2f, '/'],
  [0x62, '\b'],
  [LOWER_F, '\f'],
  [LOWER_N, '\n'],
  [0x72, '\r'],
  [LOWER_T, '\t'],
])

/** The first position from `at` on that is no white space of JSON; the length where there is none. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  while (isSpace(bytes[at]!)) at++
  return at
}

/** The position after the string whose opening quote is at `at`, or INCOMPLETE or MALFORMED. */
export function endOfString(bytes: Uint8Array, at: number): number {
  at++
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    if (byte < SPACE) return MALFORMED
    at = byte === BACKSLASH ? endOfEscape(bytes, at) : at + 1
    if (at < 0) return at
  }
  return INCOMPLETE
}

/**
 * The position after the scalar at `at` that is no string: a number (RFC 8259 §6), `true`, `false`, `null`, or
 * `NaN`, `Infinity`, `-Infinity`, which model servers write; else MALFORMED. INCOMPLETE also where the
 * bytes end right behind it: the next one might have belonged to it.
 */
export function endOfScalar(bytes: Uint8Array, at: number): number {
  const end = endOfToken(bytes, at)
  if (end < 0) return end
  if (end === bytes.length) return INCOMPLETE
  return isDelimiter(bytes[end]!) ? end : MALFORMED
}

/** The position after `word` (a byte string) at `at`, or INCOMPLETE or MALFORMED. */
export function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let index = 0; index < word.length; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return INCOMPLETE
    if (byte !== word.charCodeAt(index)) return MALFORMED
  }
  return at + word.length
}

/**
 * The bytes from `from` to before `to` of a well-formed string (without its quotes) or scalar as a byte string:
 * escapes decoded to UTF-8 (lone surrogates become U+FFFD), everything else as it stands.
 */
export function decodeToken(bytes: Uint8Array, from: number, to: number): string {
  let text = ''
  let at = from
  while (at < to) {
    const byte = bytes[at]!
    if (byte !== BACKSLASH) {
      text += String.fromCharCode(byte)
      at++
    } else if (bytes[at + 1] !== LOWER_U) {
      text += SHORT_ESCAPES.get(bytes[at + 1]!)!
      at += 2
    } else {
      const codePoint = codePointAt(bytes, at)
      text += encodeCodePoint(codePoint)
      at += codePoint < 0x10000 ? 6 : 12
    }
  }
  return text
}

function endOfToken(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case LOWER_T:
      return endOfWord(bytes, at, 'true')
    case LOWER_F:
      return endOfWord(bytes, at, 'false')
    case LOWER_N:
      return endOfWord(bytes, at, 'null')
    case UPPER_N:
      return endOfWord(bytes, at, 'NaN')
    default:
      return endOfNumber(bytes, at)
  }
}

function endOfNumber(bytes: Uint8Array, at: number): number {
  if (bytes[at] === MINUS) at++
  if (bytes[at] === UPPER_I) return endOfWord(bytes, at, 'Infinity')
  // A zero may not lead further digits: behind it only a fraction or an exponent goes on.
  let end = bytes[at] === ZERO ? at + 1 : endOfDigits(bytes, at)
  if (end >= 0 && bytes[end] === DOT) end = endOfDigits(bytes, end + 1)
  if (end >= 0 && (bytes[end]! | 0x20) === LOWER_E) {
    const sign = bytes[end + 1]
    end = endOfDigits(bytes, sign === PLUS || sign === MINUS ? end + 2 : end + 1)
  }
  return end
}

/** The position after at least one digit. */
function endOfDigits(bytes: Uint8Array, at: number): number {
  let end = at
  while (isDigit(bytes[end]!)) end++
  if (end > at) return end
  return at < bytes.length ? MALFORMED : INCOMPLETE
}

function endOfEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1]
  if (kind === undefined) return INCOMPLETE
  if (kind !== LOWER_U) return SHORT_ESCAPES.has(kind) ? at + 2 : MALFORMED
  for (let index = at + 2; index < at + 6; index++) {
    const byte = bytes[index]
    if (byte === undefined) return INCOMPLETE
    if (hexDigit(byte) === -1) return MALFORMED
  }
  return at + 6
}

/** The code point of the `\u` escape at `at`, joined with the one behind it where they are a surrogate pair. */
function codePointAt(bytes: Uint8Array, at: number): number {
  const unit = codeUnitAt(bytes, at)
  const isHigh = unit >= 0xd800 && unit < 0xdc00
  if (!isHigh || bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== LOWER_U) return unit
  const next = codeUnitAt(bytes, at + 6)
  const isLow = next >= 0xdc00 && next < 0xe000
  return isLow ? 0x10000 + (unit - 0xd800) * 0x400 + (next - 0xdc00) : unit
}

function codeUnitAt(bytes: Uint8Array, at: number): number {
  let unit = 0
  for (let index = at + 2; index < at + 6; index++) unit = unit * 16 + hexDigit(bytes[index]!)
  return unit
}

function isDelimiter(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}
