import { setImmediate as nextTurn } from 'node:timers/promises'

/** Has long work let others have their turn. */
export class Pace {
  /** Series that are worked through in one go: about a millisecond of work, most of it to hash their text. */
  static readonly ROWS = 500
  #rows = 0

  /** To be awaited after each part of the work, of so many series. */
  async after(rows: number): Promise<void> {
    this.#rows += rows
    if (this.#rows < Pace.ROWS) return
    this.#rows = 0
    await nextTurn()
  }
}
