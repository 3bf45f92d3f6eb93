import type { ServerResponse } from 'node:http'

/** Bytes that may wait for one reader: some seconds of everything, or a snapshot of thousands of services. */
const MOST_WAITING = 4 * 1024 * 1024

/** One reader of server-sent events, and what it may still read. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #isAllowed: () => boolean
  readonly #onDropped: () => void

  /** `isAllowed` is asked now and then: a token may expire while its stream is open. */
  constructor(response: ServerResponse, isAllowed: () => boolean, onDropped: () => void) {
    this.#response = response
    this.#isAllowed = isAllowed
    this.#onDropped = onDropped
  }

  /** Whether anything can still be sent. */
  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Whether the reader may still read. */
  get isAllowed(): boolean {
    return this.#isAllowed()
  }

  /** Sends an encoded event; a reader that is too far behind is cut off instead, and may come back. */
  send(event: Buffer): void {
    if (!this.isOpen) return
    if (this.#response.writableLength > MOST_WAITING) {
      this.#response.destroy()
      this.#onDropped()
      return
    }
    this.#response.write(event)
  }

  /** Ends the stream after what was sent. */
  end(): void {
    this.#response.end()
  }
}

/** Encodes one event (WHATWG HTML, server-sent events); `data` is sent as one line of JSON. */
export function encodeEvent(name: string, data: string, id: string | null = null): Buffer {
  return Buffer.from(`${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
}

/** A comment: keeps proxies from taking a quiet stream for a dead one. */
export const HEARTBEAT = Buffer.from(': alive\n\n')
