/** Bounds how many bytes are held at once. */
export class ByteBudget {
  readonly #mostBytes: number
  #held = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Takes room for so many bytes, if it is there; `giveBack` ends it. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#mostBytes) return false
    this.#held += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#held -= bytes
  }
}
