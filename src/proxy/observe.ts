import type { ServiceRecorder, Ticket } from '../metrics/recorder.ts'

/** An answer that has left, and where in it the prediction stands. */
export type AnswerCopy = {
  readonly recorder: ServiceRecorder
  readonly ticket: Ticket
  /** RFC 6901 pointer. */
  readonly pointer: string
  readonly chunks: readonly Buffer[]
  readonly bytes: number
}

/** Most answers that wait to be read. */
const MOST_WAITING = 1_024

/** Most bytes of answers that wait to be read. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024

/** How much is read before the event loop gets its turn. */
const BYTES_PER_TURN = 64 * 1024

/**
 * Reads predictions from answers, a few per turn of the event loop, so that no request waits for it. When
 * it cannot keep up, answers are let go unread and counted.
 */
export class PredictionReader {
  readonly #waiting: AnswerCopy[] = []
  #next = 0
  #waitingBytes = 0
  #scheduled: NodeJS.Immediate | null = null

  /** Takes an answer; its ticket is told once, later. */
  add(copy: AnswerCopy): void {
    const isFull = this.#waiting.length - this.#next >= MOST_WAITING
    if (isFull || this.#waitingBytes + copy.bytes > MOST_WAITING_BYTES) {
      tell(copy, null)
      return
    }
    this.#waiting.push(copy)
    this.#waitingBytes += copy.bytes
    this.#scheduled ??= setImmediate(() => this.#read())
  }

  /** Reads what is waiting, now. */
  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled)
    this.#read(Infinity)
  }

  #read(budgetBytes: number = BYTES_PER_TURN): void {
    let left = budgetBytes
    while (this.#next < this.#waiting.length && left > 0) {
      const copy = this.#waiting[this.#next++]!
      this.#waitingBytes -= copy.bytes
      left -= copy.bytes
      tell(copy, readPrediction(copy))
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0
      this.#next = 0
      this.#scheduled = null
    } else {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
      this.#scheduled = setImmediate(() => this.#read())
    }
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
