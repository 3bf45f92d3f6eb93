import { findJsonError } from './json-error.ts'
import { findNearest } from '../domain/nearest.ts'

/** Lines that one request may bring. */
export const MAX_FEEDBACK_LINES = 10_000

/** A line of feedback: a label for a request, or why it is none. `line` counts from 1. */
export type ParsedLine = LabelLine | RejectedLine

export type LabelLine = {
  readonly line: number
  /** Null = whichever service has this request id. */
  readonly service: string | null
  readonly requestId: string
  /** The true value; finite. */
  readonly label: number
}

export type RejectedLine = { readonly line: number; readonly error: string }

/** More lines in one request than `MAX_FEEDBACK_LINES`: nothing of it was read. */
export class FeedbackTooLargeError extends Error {
  readonly code = 'SERIN_BODY_TOO_LARGE'
  readonly statusCode = 413
  override readonly name = 'FeedbackTooLargeError'
}

/**
 * Reads feedback: one object as `application/json`, one object per line as `application/x-ndjson`
 * (empty lines are skipped). Each line stands for itself: one that cannot be used comes back with its
 * error. The lines are read as they are taken, so that a long batch can be taken in slices; they can
 * be taken more than once. Throws FeedbackTooLargeError before the first.
 */
export function parseFeedback(
  body: string,
  contentType: 'application/json' | 'application/x-ndjson',
): Iterable<ParsedLine> {
  const text = body.startsWith('\uFEFF') ? body.slice(1) : body
  if (contentType === 'application/json') return [parseLine(text, 1)]
  assertFewLines(text)
  return { [Symbol.iterator]: () => parseLines(text) }
}

const FIELDS = ['service', 'requestId', 'key', 'label', 'event', 'id', 'value', 'values', 'at']

/** Fields of events and of feedback by key, with what each must be. */
const UNSUPPORTED: readonly (readonly [field: string, type: string, isType: IsType])[] = [
  ['key', 'a string', isString],
  ['event', 'a string', isString],
  ['id', 'a string', isString],
  ['value', 'a number', isNumber],
  ['values', 'an object of numbers', isRecordOfNumbers],
]

type IsType = (value: unknown) => boolean

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/

function* parseLines(text: string): Generator<ParsedLine, undefined> {
  let line = 0
  for (const content of splitLines(text)) {
    line += 1
    if (content.trim() !== '') yield parseLine(content, line)
  }
}

function parseLine(content: string, line: number): ParsedLine {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return { line, error: describeJsonError(content) }
  }
  if (!isRecord(value)) return { line, error: `expected an object, found ${describe(value)}` }
  const error = findError(value)
  if (error !== null) return { line, error }
  const { service, requestId, label } = value as Omit<LabelLine, 'line'>
  return { line, service: service ?? null, requestId, label }
}

/** The first thing that is wrong with a line; null = it is a label. */
function findError(value: Readonly<Record<string, unknown>>): string | null {
  for (const field of Object.keys(value)) {
    if (!FIELDS.includes(field)) return describeUnknown(field)
  }
  const has = (field: string) => Object.hasOwn(value, field)
  for (const field of ['service', 'requestId']) {
    if (!has(field)) continue
    if (!isString(value[field])) return `${field} is not a string`
    if (value[field] === '') return `${field} is empty`
  }
  if (has('at') && !isTime(value['at'])) return 'at is not a time as in 2027-06-30T12:00:00Z'
  for (const [field, type, isType] of UNSUPPORTED) {
    if (!has(field)) continue
    if (!isType(value[field])) return `${field} is not ${type}`
    return `${field} is not supported yet: only labels by requestId are joined`
  }
  if (!has('requestId')) return 'requestId is missing'
  if (!has('label')) return 'label is missing'
  if (typeof value['label'] !== 'number') return 'label is not a number'
  return Number.isFinite(value['label']) ? null : 'label is not a finite number'
}

function describeUnknown(field: string): string {
  const nearest = findNearest(field, FIELDS)
  const hint = nearest === null ? `known: ${FIELDS.join(', ')}` : `did you mean ${nearest}?`
  return `unknown field ${quote(field)} (${hint})`
}

function describeJsonError(content: string): string {
  const at = findJsonError(content)
  if (at >= content.length) return `not JSON: it ends too early, after character ${at}`
  return `not JSON: unexpected ${quote(content.slice(at, at + 1))} at character ${at + 1}`
}

function describe(value: unknown): string {
  if (Array.isArray(value)) {
    return 'an array (send one object per line as application/x-ndjson)'
  }
  return value === null ? 'null' : `a ${typeof value}`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function assertFewLines(text: string): void {
  let count = 0
  for (const content of splitLines(text)) {
    if (content.trim() !== '') count += 1
  }
  if (count <= MAX_FEEDBACK_LINES) return
  throw new FeedbackTooLargeError(
    `${count} lines of feedback in one request; at most ${MAX_FEEDBACK_LINES} are taken`,
  )
}

function* splitLines(text: string): Generator<string, undefined> {
  let start = 0
  while (start <= text.length) {
    const end = text.indexOf('\n', start)
    yield end === -1 ? text.slice(start) : text.slice(start, end)
    if (end === -1) return
    start = end + 1
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isRecordOfNumbers(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isNumber)
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && ISO_8601.test(value) && !Number.isNaN(Date.parse(value))
}
