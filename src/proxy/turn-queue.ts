/** Most things that wait. */
const MOST_WAITING = 1_024

/** Most bytes of things that wait. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024

/** How much is read before the event loop gets its turn. */
const BYTES_PER_TURN = 64 * 1024

/**
 * Things to be read after the request that they belong to, a few per turn of the event loop, so that no
 * request waits for it. When that cannot keep up, things are let go unread.
 */
export class TurnQueue<T extends { readonly bytes: number }> {
  readonly #waiting: T[] = []
  readonly #read: (item: T) => void
  readonly #letGo: (item: T) => void
  #next = 0
  #waitingBytes = 0
  #scheduled: NodeJS.Immediate | null = null

  /** Every item is either read, later, or let go, at once. Neither may throw. */
  constructor(read: (item: T) => void, letGo: (item: T) => void) {
    this.#read = read
    this.#letGo = letGo
  }

  add(item: T): void {
    const isFull = this.#waiting.length - this.#next >= MOST_WAITING
    if (isFull || this.#waitingBytes + item.bytes > MOST_WAITING_BYTES) {
      this.#letGo(item)
      return
    }
    this.#waiting.push(item)
    this.#waitingBytes += item.bytes
    this.#scheduled ??= setImmediate(() => this.#readSome())
  }

  /** Reads what is waiting, now. */
  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled)
    this.#readSome(Infinity)
  }

  #readSome(budgetBytes: number = BYTES_PER_TURN): void {
    let left = budgetBytes
    while (this.#next < this.#waiting.length && left > 0) {
      const item = this.#waiting[this.#next++]!
      this.#waitingBytes -= item.bytes
      left -= item.bytes
      this.#read(item)
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0
      this.#next = 0
      this.#scheduled = null
    } else {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
      this.#scheduled = setImmediate(() => this.#readSome())
    }
  }
}
