import { isMeasurable } from '../domain/measurable.ts'
import type { ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import { documentsFromEnd } from './event-stream.ts'
import type { StreamTail } from './stream-tail.ts'
import { TurnQueue } from './turn-queue.ts'

/** An answer that has left, and where in it the prediction and other numbers stand. */
export type AnswerCopy = {
  readonly recorder: ServiceRecorder
  readonly ticket: Ticket
  /** RFC 6901 pointer to the prediction; null = none is read. */
  readonly pointer: string | null
  /** Pointers to the numbers that metrics are means of. */
  readonly numbers: readonly string[]
  /** All of it; of a stream of events the end. */
  readonly chunks: readonly Buffer[]
  readonly bytes: number
  /** Whether these are events, and the first of them may be cut; null = one JSON document. */
  readonly stream: { readonly isCut: boolean } | null
}

/**
 * Reads predictions from answers, a few per turn of the event loop, so that no request waits for it. When
 * it cannot keep up, answers are let go unread and counted.
 */
export class PredictionReader {
  readonly #waiting = new TurnQueue<AnswerCopy>(
    (copy) => tell(copy, valuesOf(copy)),
    (copy) => tell(copy, NO_VALUES),
  )

  /** Takes an answer; its ticket is told once, later. */
  add(copy: AnswerCopy): void {
    this.#waiting.add(copy)
  }

  /** Reads what is waiting, now. */
  close(): void {
    this.#waiting.close()
  }
}

/** The value that an RFC 6901 pointer names in a JSON document; undefined when there is none. */
export function resolvePointer(document: unknown, pointer: string): unknown {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    // Section 4: an array's index has no leading zero, and `length` is no member of it.
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(key)) return undefined
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  }
  return value
}

/** The JSON of an answer's body; undefined where it is none: as good as no numbers, and counted as such. */
export function parseAnswer(chunks: readonly Buffer[]): unknown {
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** The number that a pointer names in a document; null where there is none, or it is too large to be measured. */
export function readNumber(document: unknown, pointer: string): number | null {
  return toNumber(resolvePointer(document, pointer))
}

/**
 * Whether a stream says at its end that it has failed: the last of its events that has something at `pointer`, null aside,
 * has not false, 0 or an empty text there. Other events may come behind it: servers go on to tell what was used.
 */
export function endsInError({ chunks, isCut }: StreamTail, pointer: string): boolean {
  return Boolean(lastValue(Buffer.concat(chunks), isCut, pointer))
}

type Values = ReadonlyMap<string, unknown>

const NO_VALUES: Values = new Map()

/** What an answer has at its pointers. */
function valuesOf({ pointer, numbers, chunks, stream }: AnswerCopy): Values {
  const pointers = pointer === null ? numbers : [pointer, ...numbers]
  if (stream !== null) {
    const bytes = Buffer.concat(chunks)
    return new Map(pointers.map((each) => [each, lastValue(bytes, stream.isCut, each)]))
  }
  const document = parseAnswer(chunks)
  return new Map(pointers.map((each) => [each, resolvePointer(document, each)]))
}

/** What the last event of a stream has at a pointer that has something there, null aside; null = none has. */
function lastValue(bytes: Buffer, isCut: boolean, pointer: string): unknown {
  if (!mayHave(bytes, pointer)) return null
  for (const document of documentsFromEnd(bytes, isCut)) {
    const value = resolvePointer(document, pointer) ?? null
    if (value !== null) return value
  }
  return null
}

/** A name that no writer of JSON has a reason to escape. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Whether a document at the end of a stream may have something at a pointer. Most streams do not say what nobody has asked
 * their server for, and to parse hundreds of events for that would take longer than to pass them on.
 */
function mayHave(bytes: Buffer, pointer: string): boolean {
  const name = pointer.slice(pointer.lastIndexOf('/') + 1)
  // Without the quote before it: that stands everywhere, and the search would look at each.
  return !PLAIN.test(name) || bytes.includes(`${name}"`)
}

function toNumber(value: unknown): number | null {
  return typeof value === 'number' && isMeasurable(value) ? value : null
}

function tell({ recorder, ticket, pointer, numbers }: AnswerCopy, values: Values): void {
  const value = pointer === null ? null : toNumber(values.get(pointer))
  if (pointer !== null && value === null) recorder.unreadable(ticket)
  recorder.predicted(
    ticket,
    value,
    Object.fromEntries(numbers.map((number) => [number, toNumber(values.get(number))])),
  )
}
