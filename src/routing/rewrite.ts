import { hexDigit } from './hex-digit.ts'

const NUL = 0x00
const PERCENT = 0x25
const DOT = 0x2e
const SLASH = 0x2f
const QUESTION = 0x3f
const BACKSLASH = 0x5c
/** More dots than a dot segment has. */
const NO_DOT_SEGMENT = 3

/**
 * Replaces the matched part of a request target by a variant's path. `matchPath` and `variantPath` are both
 * literal or both prefixes ending in `/*`; `rawTarget` matches `matchPath`, and what follows the matched part
 * (the query included) keeps its bytes. A null `variantPath` keeps everything.
 */
export function rewritePath(
  matchPath: string,
  variantPath: string | null,
  rawTarget: string,
): string {
  if (variantPath === null) return rawTarget
  if (!matchPath.endsWith('/*')) return variantPath + rawTarget.slice(matchPath.length)
  return variantPath.slice(0, -1) + rawTarget.slice(matchPath.length - 1)
}

/**
 * Whether a path could mean another place to the server behind than it means here, so that a rewritten
 * prefix could be escaped: dot segments, plain or percent-encoded; an encoded slash; a backslash or NUL,
 * plain or encoded (RFC 3986 §6.2.2, §7.3). Reads up to the query.
 */
export function hasUnsafePath(path: string): boolean {
  let dots = 0
  for (let at = 0; at < path.length; at++) {
    let code = path.charCodeAt(at)
    if (code === QUESTION) break
    if (code === SLASH) {
      if (isDotSegment(dots)) return true
      dots = 0
      continue
    }
    const decoded = code === PERCENT ? decodeEscape(path, at) : -1
    if (decoded !== -1) {
      if (decoded === SLASH) return true
      code = decoded
      at += 2
    }
    if (code === BACKSLASH || code === NUL) return true
    dots = code === DOT ? dots + 1 : NO_DOT_SEGMENT
  }
  return isDotSegment(dots)
}

/**
 * Whether dot segments of a request target lead out of the prefix that it matches, to what is no business of its service
 * (RFC 3986 §5.2.4). `matchPath` ends in `/*`, or is literal and has nothing to leave. An encoded slash and a backslash
 * separate segments for some servers and not for others; what leads further out counts. Reads up to the query.
 */
export function leavesPrefix(matchPath: string, rawTarget: string): boolean {
  // Hardly any has: they are not walked through.
  if (!rawTarget.includes('..') && !rawTarget.includes('%')) return false
  if (!matchPath.endsWith('/*')) return false
  let depth = 0
  let dots = 0
  for (let at = matchPath.length - 1; at < rawTarget.length; at++) {
    let code = rawTarget.charCodeAt(at)
    if (code === QUESTION) break
    const isPlain = code === SLASH
    const decoded = code === PERCENT ? decodeEscape(rawTarget, at) : -1
    if (decoded !== -1) {
      code = decoded
      at += 2
    }
    if (code !== SLASH && code !== BACKSLASH) {
      dots = code === DOT ? dots + 1 : NO_DOT_SEGMENT
      continue
    }
    if (dots === 2 && --depth < 0) return true
    if (dots >= NO_DOT_SEGMENT && isPlain) depth++
    dots = 0
  }
  return dots === 2 && depth === 0
}

function isDotSegment(dots: number): boolean {
  return dots === 1 || dots === 2
}

/** The byte of the percent-encoding at `at`; -1 when it is malformed. */
function decodeEscape(path: string, at: number): number {
  const high = hexDigit(path.charCodeAt(at + 1))
  const low = hexDigit(path.charCodeAt(at + 2))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}
