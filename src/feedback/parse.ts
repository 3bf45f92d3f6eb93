import { isMeasurable } from '../domain/measurable.ts'
import { findNearest } from '../domain/nearest.ts'
import { quote } from './in-short.ts'
import { findJsonError } from './json-error.ts'

/** Lines that one request may bring, empty ones too. */
export const MAX_FEEDBACK_LINES = 10_000

/** Characters of one line: a label or an event has some hundred. Whatever a line is, it is read in a millisecond or so. */
export const MAX_LINE_CHARS = 64 * 1024

/** Numbers in the `values` of one event. */
export const MAX_VALUES = 64

/** A line of feedback: a label or an event, or why it is neither. */
export type ParsedLine = FeedbackLine | RejectedLine

/** A line that can be joined. */
export type FeedbackLine = LabelLine | EventLine

/** Which line of its request it was, from 1, and how many characters (UTF-16) it had. */
type Place = { readonly line: number; readonly chars: number }

/** Whom a line is about: exactly one of `requestId` and `key` is set. */
export type Reference = Place & {
  /** Null = whichever service has this request or key. */
  readonly service: string | null
  readonly requestId: string | null
  /** What assignment sticks to, as text. */
  readonly key: string | null
}

/** The true value of a request's prediction. */
export type LabelLine = Reference & {
  /** The true value; finite. */
  readonly label: number
}

/** Something that happened after a request, or to a key: a purchase, say. */
export type EventLine = Reference & {
  readonly event: string
  /** Tells events of one name apart. */
  readonly id: string | null
  /** Finite. */
  readonly value: number | null
  readonly values: Readonly<Record<string, number>> | null
  /** When it happened, in milliseconds since the epoch; null = now. */
  readonly at: number | null
}

/** A line that cannot be used, and why. */
export type RejectedLine = Place & { readonly error: string }

/** More lines in one request than `MAX_FEEDBACK_LINES`: nothing of it was read. */
export class FeedbackTooLargeError extends Error {
  readonly code = 'SERIN_BODY_TOO_LARGE'
  readonly statusCode = 413
  override readonly name = 'FeedbackTooLargeError'
}

/** Lines that are read as they are taken; how many there are is known before. */
export type ParsedLines = Iterable<ParsedLine> & { readonly size: number }

/**
 * Reads feedback: one object as `application/json`, one object per line as `application/x-ndjson`
 * (empty lines are skipped). Each line stands for itself: one that cannot be used comes back with its
 * error. The lines are read as they are taken, so that a long batch can be taken in slices; they can
 * be taken more than once. Throws FeedbackTooLargeError before the first.
 */
export function parseFeedback(
  body: string,
  contentType: 'application/json' | 'application/x-ndjson',
): ParsedLines {
  const text = body.startsWith('\uFEFF') ? body.slice(1) : body
  if (contentType === 'application/json') {
    return { size: 1, [Symbol.iterator]: () => [parseLine(text, 1)].values() }
  }
  return { size: countLines(text), [Symbol.iterator]: () => parseLines(text) }
}

/** What each field must be. */
const TYPES: Readonly<
  Record<string, readonly [type: string, isType: (value: unknown) => boolean]>
> = {
  service: ['a string', isString],
  requestId: ['a string', isString],
  key: ['a string', isString],
  label: ['a number', isNumber],
  event: ['a string', isString],
  id: ['a string', isString],
  value: ['a number', isNumber],
  values: ['an object of numbers', isRecordOfNumbers],
  at: ['a time as in 2027-06-30T12:00:00Z', isTime],
}

const FIELDS = Object.keys(TYPES)

/** Fields that only events have. */
const OF_EVENTS = ['id', 'value', 'values']

/** How a moment is written. */
export const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/

function* parseLines(text: string): Generator<ParsedLine, undefined> {
  let line = 0
  for (const content of splitLines(text)) {
    line += 1
    if (!isBlank(content)) yield parseLine(content, line)
  }
}

function parseLine(content: string, line: number): ParsedLine {
  const place = { line, chars: content.length }
  if (content.length > MAX_LINE_CHARS) return { ...place, error: TOO_LONG }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return { ...place, error: describeJsonError(content) }
  }
  if (!isRecord(value)) return { ...place, error: `expected an object, found ${describe(value)}` }
  const error = findError(value)
  if (error !== null) return { ...place, error }
  const { service = null, requestId = null, key = null, at, ...rest } = value as RawLine
  const reference = { ...place, service, requestId, key }
  if (rest.label !== undefined) return { ...reference, label: rest.label }
  const { event, id = null, value: number = null, values = null } = rest
  const time = at === undefined ? null : Date.parse(at)
  return { ...reference, event: event!, id, value: number, values, at: time }
}

const TOO_LONG = `longer than ${MAX_LINE_CHARS} characters: a line is one label or one event`

/** A line without errors. */
type RawLine = {
  readonly service?: string
  readonly requestId?: string
  readonly key?: string
  readonly label?: number
  readonly event?: string
  readonly id?: string
  readonly value?: number
  readonly values?: Readonly<Record<string, number>>
  readonly at?: string
}

/** The first thing that is wrong with a line; null = it is a label or an event. */
function findError(line: Readonly<Record<string, unknown>>): string | null {
  for (const [field, value] of Object.entries(line)) {
    const known = Object.hasOwn(TYPES, field) ? TYPES[field] : undefined
    if (known === undefined) return describeUnknown(field)
    if (value === '' && field !== 'at') return `${field} is empty`
    if (!known[1](value)) return `${field} is not ${known[0]}`
    if (isTooLarge(value)) return `${field} is not a number from -1e50 to 1e50`
  }
  const numbers = isRecord(line['values']) ? Object.keys(line['values']).length : 0
  if (numbers > MAX_VALUES) return `values has ${numbers} numbers; at most ${MAX_VALUES} are taken`
  const has = (field: string) => Object.hasOwn(line, field)
  if (has('requestId') && has('key')) return 'found both requestId and key: name one of them'
  if (!has('requestId') && !has('key')) return 'requestId or key is missing'
  if (has('label') && has('event')) return 'found both label and event: send a line for each'
  if (has('event')) return null
  if (!has('label')) return 'label or event is missing'
  const stray = OF_EVENTS.find(has)
  return stray === undefined ? null : `${stray} belongs to an event, found a label`
}

// JSON's 1e999 is a number, too, and infinite.
function isTooLarge(value: unknown): boolean {
  if (isRecord(value)) return Object.values(value).some(isTooLarge)
  return typeof value === 'number' && !isMeasurable(value)
}

function describeUnknown(field: string): string {
  const nearest = findNearest(field, FIELDS)
  const hint = nearest === null ? `known: ${FIELDS.join(', ')}` : `did you mean ${nearest}?`
  return `unknown field ${quote(field)} (${hint})`
}

/** Characters of a line in which the place of a mistake is looked for, one by one. */
const SEARCHED_CHARS = 4096

function describeJsonError(content: string): string {
  // A word that the end of the part cuts in two is no mistake: none is longer.
  const part = content.slice(0, SEARCHED_CHARS + 'false'.length)
  const at = findJsonError(part)
  if (part.length < content.length && at >= SEARCHED_CHARS) {
    return `not JSON: the mistake is somewhere after character ${SEARCHED_CHARS}`
  }
  if (at >= content.length) return `not JSON: it ends too early, after character ${at}`
  return `not JSON: unexpected ${quote(content.slice(at, at + 1))} at character ${at + 1}`
}

function describe(value: unknown): string {
  if (Array.isArray(value)) {
    return 'an array (send one object per line as application/x-ndjson)'
  }
  return value === null ? 'null' : `a ${typeof value}`
}

/** How many lines there are that are not empty; throws where all of them are too many. */
function countLines(text: string): number {
  let count = 0
  let line = 0
  for (const content of splitLines(text)) {
    line += 1
    if (line > MAX_FEEDBACK_LINES) {
      throw new FeedbackTooLargeError(
        `more than ${MAX_FEEDBACK_LINES} lines of feedback in one request, empty ones with them`,
      )
    }
    if (!isBlank(content)) count += 1
  }
  return count
}

// One that is too long is a mistake, whatever it holds.
function isBlank(content: string): boolean {
  return content.length <= MAX_LINE_CHARS && content.trim() === ''
}

function* splitLines(text: string): Generator<string, undefined> {
  let start = 0
  while (start < text.length) {
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
  return (
    typeof value === 'string' &&
    ISO_8601.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    isDay(value.slice(0, 10))
  )
}

// `Date` takes the 30th of February for the 2nd of March.
function isDay(date: string): boolean {
  return new Date(date).toISOString().startsWith(date)
}
