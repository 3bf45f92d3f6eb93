/** Runs pieces of work one after the other, in the order in which they were asked for. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves or rejects as the work does; a piece that failed keeps none of the later ones back. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }
}
