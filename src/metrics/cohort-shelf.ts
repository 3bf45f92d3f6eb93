/** A generator costs more than so many items. */
const FEW = 4

/**
 * What stands for cohorts, by their number and in its order, which is that of assignment. With windows of
 * hours there are thousands: what comes after a number is found without looking at what comes before.
 */
export class CohortShelf<T extends { readonly cohort: { readonly number: number } }> {
  readonly #byNumber = new Map<number, T>()
  readonly #inOrder: T[] = []

  get size(): number {
    return this.#inOrder.length
  }

  get(number: number): T | undefined {
    return this.#byNumber.get(number)
  }

  /** Its number is beyond all others. */
  add(item: T): void {
    this.#byNumber.set(item.cohort.number, item)
    this.#inOrder.push(item)
  }

  delete(number: number): void {
    if (this.#byNumber.delete(number)) this.#inOrder.splice(this.#placeAfter(number) - 1, 1)
  }

  /** All of them, in order; what is deleted meanwhile does not matter. */
  values(): Iterable<T> {
    return this.#byNumber.values()
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
