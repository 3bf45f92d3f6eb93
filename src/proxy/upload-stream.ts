import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * A request body on its way up: what was read of it already, then the rest as it arrives, with
 * backpressure. It stands between undici and the client's request because undici destroys the body of a
 * request that it gives up, and the client's connection must survive that long enough for an answer.
 */
export class UploadStream extends Readable {
  readonly #req: IncomingMessage
  readonly #limitBytes: number
  readonly #onOverflow: () => void
  readonly #onData: (chunk: Buffer) => void
  readonly #onEnd: () => void
  #bytes = 0
  #headBytes = 0

  /** `onOverflow` is called once, with the stream ended for good, when the body is larger than the limit. */
  constructor(
    req: IncomingMessage,
    head: readonly Buffer[],
    limitBytes: number,
    onOverflow: () => void,
  ) {
    super()
    this.#req = req
    this.#limitBytes = limitBytes
    this.#onOverflow = onOverflow
    this.#onData = (chunk) => this.#take(chunk)
    this.#onEnd = () => {
      this.push(null)
    }
    for (const chunk of head) {
      this.#bytes += chunk.length
      this.push(chunk)
    }
    this.#headBytes = this.#bytes
    req.on('data', this.#onData).once('end', this.#onEnd)
    req.pause()
  }

  /** Bytes that arrived after the head. */
  get bytesPassed(): number {
    return this.#bytes - this.#headBytes
  }

  override _read(): void {
    this.#req.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Not paused: an answer may be waiting for the rest of the body to be thrown away.
    this.#req.off('data', this.#onData).off('end', this.#onEnd)
    callback(error)
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limitBytes) {
      this.destroy()
      this.#onOverflow()
      return
    }
    if (!this.push(chunk)) this.#req.pause()
  }
}
