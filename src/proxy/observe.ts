import { isMeasurable } from '../domain/measurable.ts'
import type { ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import { TurnQueue } from './turn-queue.ts'

/** An answer that has left, and where in it the prediction and other numbers stand. */
export type AnswerCopy = {
  readonly recorder: ServiceRecorder
  readonly ticket: Ticket
  /** RFC 6901 pointer to the prediction; null = none is read. */
  readonly pointer: string | null
  /** Pointers to the numbers that metrics are means of. */
  readonly numbers: readonly string[]
  readonly chunks: readonly Buffer[]
  readonly bytes: number
}

/**
 * Reads predictions from answers, a few per turn of the event loop, so that no request waits for it. When
 * it cannot keep up, answers are let go unread and counted.
 */
export class PredictionReader {
  readonly #waiting = new TurnQueue<AnswerCopy>(
    (copy) => tell(copy, parseAnswer(copy.chunks)),
    (copy) => tell(copy, undefined),
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
  const value = resolvePointer(document, pointer)
  return typeof value === 'number' && isMeasurable(value) ? value : null
}

function tell({ recorder, ticket, pointer, numbers }: AnswerCopy, document: unknown): void {
  const value = pointer === null ? null : readNumber(document, pointer)
  if (pointer !== null && value === null) recorder.unreadable(ticket)
  recorder.predicted(
    ticket,
    value,
    Object.fromEntries(numbers.map((number) => [number, readNumber(document, number)])),
  )
}
