import { StoreAwayError } from '../store/store-error.ts'

/** Those who wait until all cohorts are known that feedback may be about, which each look may bring. */
export class Hearing {
  #waiting: (() => void)[] = []
  /** No look was over yet. */
  #isNew = true
  #isOver = false

  /** Resolves when `isDeaf` is no longer so after a look; rejects when nobody looks any more. */
  async until(isDeaf: () => boolean): Promise<void> {
    while (!this.#isOver && (this.#isNew || isDeaf())) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    // What is taken now would be booked nowhere.
    if (this.#isOver) throw new StoreAwayError('the process ends: feedback is for another one')
  }

  /** A look is over; `isLast`: no other one comes. */
  looked(isLast = false): void {
    this.#isNew = false
    this.#isOver = isLast
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
