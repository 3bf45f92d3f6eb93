import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Clock } from '../domain/clock.ts'

/** Who sees a body pass. Must not throw. */
export type UploadWitness = {
  /** A part has arrived. */
  readonly onPart: (chunk: Buffer) => void
  /** That was the last one. */
  readonly onWhole: () => void
}

/**
 * A request body on its way up: what was read of it already, then the rest as it arrives, with
 * backpressure. It stands between undici and the client's request because undici destroys the body of a
 * request that it gives up, and the client's connection must survive that long enough for an answer.
 */
export class UploadStream extends Readable {
  readonly #req: IncomingMessage
  readonly #limitBytes: number
  readonly #clock: Clock
  readonly #onOverflow: () => void
  readonly #onData: (chunk: Buffer) => void
  readonly #onEnd: () => void
  #witness: UploadWitness | null = null
  #bytes = 0
  #headBytes = 0
  #seenBytes = 0
  /** Time in which the upstream took no more, and since when it does not; 0 = it does. */
  #heldMs = 0
  #heldSince = 0

  /** `onOverflow` is called once, with the stream ended for good, when the body is larger than the limit. */
  constructor(
    req: IncomingMessage,
    head: readonly Buffer[],
    limitBytes: number,
    clock: Clock,
    onOverflow: () => void,
  ) {
    super()
    this.#req = req
    this.#limitBytes = limitBytes
    this.#clock = clock
    this.#onOverflow = onOverflow
    this.#onData = (chunk) => this.#take(chunk)
    this.#onEnd = () => {
      this.push(null)
      this.#witness?.onWhole()
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

  /** For how long the client has been kept waiting by the upstream, in ms. */
  get heldMs(): number {
    return this.#heldMs
  }

  /** The client's next part is waited for, by an upstream that reads. */
  get isAwaited(): boolean {
    return !this.#req.complete && !this.isPaused()
  }

  /** Whether more has come since this was asked last. */
  hasGrown(): boolean {
    const isMore = this.#bytes > this.#seenBytes
    this.#seenBytes = this.#bytes
    return isMore
  }

  /** Shows the rest of the body to a witness, to the end or until the stream is destroyed. */
  watch(witness: UploadWitness): void {
    this.#witness = witness
  }

  override _read(): void {
    if (this.#heldSince !== 0) this.#heldMs += this.#clock.monotonic() - this.#heldSince
    this.#heldSince = 0
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
    const isTaken = this.push(chunk)
    this.#witness?.onPart(chunk)
    if (isTaken) return
    this.#heldSince = this.#clock.monotonic()
    this.#req.pause()
  }
}
