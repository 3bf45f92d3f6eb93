import type { ServiceRecorder, Ticket } from '../metrics/recorder.ts'
import { TurnQueue } from './turn-queue.ts'

/** An answer that has left, and where in it the prediction stands. */
export type AnswerCopy = {
  readonly recorder: ServiceRecorder
  readonly ticket: Ticket
  /** RFC 6901 pointer. */
  readonly pointer: string
  readonly chunks: readonly Buffer[]
  readonly bytes: number
}

/**
 * Reads predictions from answers, a few per turn of the event loop, so that no request waits for it. When
 * it cannot keep up, answers are let go unread and counted.
 */
export class PredictionReader {
  readonly #waiting = new TurnQueue<AnswerCopy>(
    (copy) => tell(copy, readPrediction(copy)),
    (copy) => tell(copy, null),
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

function readPrediction(copy: AnswerCopy): number | null {
  const bytes = copy.chunks.length === 1 ? copy.chunks[0]! : Buffer.concat(copy.chunks)
  try {
    const value = resolvePointer(JSON.parse(bytes.toString()), copy.pointer)
    return typeof value === 'number' && Number.isFinite(value) ? value : null
  } catch {
    // Not JSON: as good as no prediction, and counted as such.
    return null
  }
}

function tell(copy: AnswerCopy, value: number | null): void {
  if (value === null) copy.recorder.note('prediction_unreadable')
  copy.recorder.predicted(copy.ticket, value)
}
