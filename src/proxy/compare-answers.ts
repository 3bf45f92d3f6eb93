import type { PairResult, PairValue } from '../metrics/mirror-book.ts'
import type { MirrorAnswer } from './mirror-answer.ts'
import { resolvePointer } from './observe.ts'

/** What two answers to one request say, beside each other. */
export type Comparison = {
  readonly result: PairResult
  /** The statuses where these differ, else the predictions where both bodies were read; else null. */
  readonly live: PairValue
  readonly mirror: PairValue
}

/** How much of a text prediction is kept. */
const MOST_CHARACTERS = 100

/** Depth to which the forms of documents are compared: JSON may be nested deeper than a stack can be. */
const MOST_DEPTH = 64

/**
 * Compares the answers in this order, and says the first thing in which they differ.
 *
 * 1. `status`: they are not the same. Bodies are compared below 300 alone: how an error is worded is
 *    nobody's prediction.
 * 2. `schema`: the live body is JSON and the other is not, or has other keys or types at some place. Arrays
 *    may differ in length, and are compared by their first items.
 * 3. `value`: the predictions at `pointer` (RFC 6901; null = none is read) differ: numbers by more
 *    than `tolerance` times the larger one of them (PEP 485, `math.isclose`), anything else at all.
 *
 * `unread`: a body was not kept, or the live one is no JSON and they differ in bytes.
 */
export function compareAnswers(
  live: MirrorAnswer,
  mirror: MirrorAnswer,
  pointer: string | null,
  tolerance: number,
): Comparison {
  if (live.status !== mirror.status) return said('status', live.status, mirror.status)
  if (live.status >= 300) return AGREED
  if (live.chunks === null || mirror.chunks === null) return UNREAD
  const liveBytes = Buffer.concat(live.chunks)
  const mirrorBytes = Buffer.concat(mirror.chunks)
  // Most pairs of a model that did not change end here, without being parsed.
  if (liveBytes.equals(mirrorBytes)) return AGREED
  const one = parse(liveBytes)
  if (one === undefined) return UNREAD
  const two = parse(mirrorBytes)
  if (two === undefined || !isAlike(one, two, 0)) return said('schema', null, null)
  if (pointer === null) return AGREED
  const a = resolvePointer(one, pointer)
  const b = resolvePointer(two, pointer)
  return said(isSame(a, b, tolerance) ? 'agreed' : 'value', show(a), show(b))
}

function isSame(a: unknown, b: unknown, tolerance: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))
  }
  // Whole arrays and objects are no prediction, and of the same form.
  return a === b || (typeof a === 'object' && typeof b === 'object')
}

/** Whether two documents have the same keys and types. */
function isAlike(a: unknown, b: unknown, depth: number): boolean {
  if (typeof a !== typeof b || (a === null) !== (b === null)) return false
  if (typeof a !== 'object' || a === null || depth === MOST_DEPTH) return true
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false
    return a.length === 0 || b.length === 0 || isAlike(a[0], b[0], depth + 1)
  }
  const one = a as Readonly<Record<string, unknown>>
  const two = b as Readonly<Record<string, unknown>>
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(two).length &&
    keys.every((key) => Object.hasOwn(two, key) && isAlike(one[key], two[key], depth + 1))
  )
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // Not JSON, which JSON cannot say of itself.
    return undefined
  }
}

function said(result: PairResult, live: PairValue, mirror: PairValue): Comparison {
  return { result, live, mirror }
}

function show(value: unknown): PairValue {
  if (typeof value === 'string') return value.slice(0, MOST_CHARACTERS)
  return typeof value === 'number' || typeof value === 'boolean' ? value : null
}

const AGREED: Comparison = { result: 'agreed', live: null, mirror: null }

/** Nothing can be said of them. */
export const UNREAD: Comparison = { result: 'unread', live: null, mirror: null }
