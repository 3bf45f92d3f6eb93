/** What is taken at first: most streams of a few words stay below. */
const FIRST_BYTES = 4096

/**
 * The last bytes of a stream, in a ring that grows up to `limit` bytes and no further, however long the stream is and in
 * whatever chunks it comes. They are copied: a chunk may be a small part of a large read, which it would hold.
 */
export class StreamTail {
  readonly #limit: number
  #ring: Buffer = Buffer.alloc(0)
  #passedBytes = 0

  /** `limit`: most bytes that are kept, above 0. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return Math.min(this.#passedBytes, this.#ring.length)
  }

  /** There was more before what is kept. */
  get isCut(): boolean {
    return this.#passedBytes > this.#ring.length
  }

  /** What is kept, in order, by reference: it holds until the next `add`. */
  get chunks(): readonly Buffer[] {
    const ring = this.#ring
    if (!this.isCut) return [ring.subarray(0, this.#passedBytes)]
    const at = this.#passedBytes % ring.length
    return [ring.subarray(at), ring.subarray(0, at)]
  }

  add(chunk: Buffer): void {
    const passed = this.#passedBytes + chunk.length
    if (passed > this.#ring.length && this.#ring.length < this.#limit) this.#grow(passed)
    const ring = this.#ring
    // Of a chunk that is longer than the ring only the end stays.
    const from = Math.max(chunk.length - ring.length, 0)
    const copied = chunk.copy(ring, (this.#passedBytes + from) % ring.length, from)
    if (from + copied < chunk.length) chunk.copy(ring, 0, from + copied)
    this.#passedBytes = passed
  }

  /** Until it has reached its limit the ring was never full, and begins at 0. */
  #grow(bytes: number): void {
    const size = Math.max(bytes, 2 * this.#ring.length, FIRST_BYTES)
    const larger = Buffer.allocUnsafe(Math.min(size, this.#limit))
    this.#ring.copy(larger)
    this.#ring = larger
  }
}
