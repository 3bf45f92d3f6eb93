/**
 * How long something is needed that a reload has replaced: until the last request that it was given to has
 * ended, in whatever phase that was.
 */
export class Tenancy {
  #holders = 0
  #isReleased = false
  readonly #onEnd: () => void

  /** `onEnd` is called once, after `release`, when nobody holds it. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  hold(): void {
    this.#holders++
  }

  drop(): void {
    this.#holders--
    this.#endIfOver()
  }

  /** Nobody new will hold it; once. */
  release(): void {
    this.#isReleased = true
    this.#endIfOver()
  }

  #endIfOver(): void {
    if (this.#isReleased && this.#holders === 0) this.#onEnd()
  }
}
