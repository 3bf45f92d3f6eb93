/** Something that can be in one bag at a time, and remembers where: -1 = in none. */
export type Placed = { place: number }

/**
 * An unordered collection for what comes and goes with every request. A `Set` would do, but for its
 * garbage: the tables that it leaves behind as it rehashes grow old and, until the next full
 * collection, keep every request alive that was in them.
 */
export class Bag<T extends Placed> implements Iterable<T> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  /** Puts in a member that is in no bag. */
  add(member: T): void {
    member.place = this.#members.length
    this.#members.push(member)
  }

  /** Takes a member out; false when it was not in this bag. */
  remove(member: T): boolean {
    if (this.#members[member.place] !== member) return false
    const last = this.#members.pop()!
    if (last !== member) {
      this.#members[member.place] = last
      last.place = member.place
    }
    member.place = -1
    return true
  }

  /** Takes all members out and returns them. */
  empty(): T[] {
    const members = this.#members.splice(0)
    for (const member of members) member.place = -1
    return members
  }

  /** Visits all members; the one that is visited may leave meanwhile. */
  sweep(visit: (member: T) => void): void {
    // Backwards, because whoever leaves is replaced by the last, which was visited before.
    for (let n = this.#members.length - 1; n >= 0; n--) {
      const member = this.#members[n]
      if (member !== undefined) visit(member)
    }
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members.values()
  }
}
