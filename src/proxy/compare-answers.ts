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
 *    than `tolerance` times the larger one of them (PEP 485, `math.isclose`), anything else at all. A list or an
 *    object is compared item by item.
 *
 * `unread`: a body was not kept, or they differ in bytes, and the live one is no JSON or neither has a prediction.
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
  if (a === undefined && b === undefined) return UNREAD
  const difference = findDifference(a, b, tolerance, 0)
  return difference === null ? AGREED : said('value', show(difference[0]), show(difference[1]))
}

/** The first values in which two predictions differ; null = in none. */
function findDifference(
  a: unknown,
  b: unknown,
  tolerance: number,
  depth: number,
): readonly [unknown, unknown] | null {
  if (!isTree(a) || !isTree(b)) return isSame(a, b, tolerance) ? null : [a, b]
  if (depth === MOST_DEPTH) return null
  const [one, two] = [Object.keys(a), Object.keys(b)]
  if (one.length !== two.length) return [`${one.length} items`, `${two.length} items`]
  for (const key of one) {
    const found = findDifference(a[key], b[key], tolerance, depth + 1)
    if (found !== null) return found
  }
  return null
}

function isSame(a: unknown, b: unknown, tolerance: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))
  }
  return a === b
}

/** A list or an object; a list by its indices. */
function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Whether two documents have the same keys and types. */
function isAlike(a: unknown, b: unknown, depth: number): boolean {
  if (typeof a !== typeof b || isTree(a) !== isTree(b)) return false
  if (!isTree(a) || !isTree(b) || depth === MOST_DEPTH) return true
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false
    return a.length === 0 || b.length === 0 || isAlike(a[0], b[0], depth + 1)
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isAlike(a[key], b[key], depth + 1))
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
