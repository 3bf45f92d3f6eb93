/** Runs pieces of work one after the other, in the order in which they were asked for. */
export class OneByOne {
  /** Settles when all that was asked for is done; null = it is. */
  #last: Promise<unknown> | null = null

  /** Resolves or rejects as the work does; a piece that failed keeps none of the later ones back. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#keep((this.#last ?? Promise.resolve()).then(work))
  }

  /**
   * Does the work at once where nothing else is under way, else in its turn. Null: it is done, without having
   * waited for anything. Rejects where the work throws or rejects; it does not throw itself.
   */
  runNow(work: () => Promise<unknown> | null): Promise<unknown> | null {
    if (this.#last !== null) return this.run(async () => await work())
    try {
      const result = work()
      return result === null ? null : this.#keep(result)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #keep<T>(result: Promise<T>): Promise<T> {
    const settled = () => {
      if (this.#last === done) this.#last = null
    }
    const done = result.then(settled, settled)
    this.#last = done
    return result
  }
}
