/** A generator costs more than so many items. */
const FEW = 4

/**
 * What stands for cohorts, by their number and in its order, which is that of assignment. With windows of
 * hours there are thousands: what comes after a number is found without looking at what comes before.
 */
export class CohortShelf<T extends { readonly cohort: { readonly number: number } }> {
  readonly #inOrder: T[] = []

  get size(): number {
    return this.#inOrder.length
  }

  /** The first of them; undefined = there is none. */
  get oldest(): T | undefined {
    return this.#inOrder[0]
  }

  get(number: number): T | undefined {
    const found = this.#inOrder[this.#placeAfter(number) - 1]
    return found?.cohort.number === number ? found : undefined
  }

  /** Its number is beyond all others. */
  add(item: T): void {
    this.#inOrder.push(item)
  }

  delete(number: number): void {
    if (this.get(number) !== undefined) this.#inOrder.splice(this.#placeAfter(number) - 1, 1)
  }

  /** All of them, in order; what is deleted meanwhile does not matter. */
  *values(): Generator<T, undefined> {
    let next = this.oldest
    while (next !== undefined) {
      yield next
      next = this.#inOrder[this.#placeAfter(next.cohort.number)]
    }
  }

  /** Those after a number, in order; none may be deleted meanwhile. */
  after(number: number): Iterable<T> {
    const from = this.#placeAfter(number)
    const isFew = this.#inOrder.length - from <= FEW
    return isFew ? this.#inOrder.slice(from) : this.#from(from)
  }

  *#from(place: number): Generator<T, undefined> {
    for (let at = place; at < this.#inOrder.length; at++) yield this.#inOrder[at]!
  }

  #placeAfter(number: number): number {
    let low = 0
    let high = this.#inOrder.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#inOrder[middle]!.cohort.number <= number) low = middle + 1
      else high = middle
    }
    return low
  }
}
