/** A thing with its users. */
type Entry<T> = { readonly value: T; users: number }

/** Things that several configurations use at once while one replaces the other: the last to go ends them. */
export class Shared<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #end: (value: T) => void

  /** `end` is called when nobody uses a thing any more. */
  constructor(end: (value: T) => void) {
    this.#end = end
  }

  /** The thing of this key, made where there is none; to be given back by `release`. */
  take(key: string, make: () => T): T {
    let entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, (entry = { value: make(), users: 0 }))
    entry.users++
    return entry.value
  }

  /** Gives one use back. */
  release(key: string): void {
    const entry = this.#entries.get(key)!
    entry.users--
    if (entry.users > 0) return
    this.#entries.delete(key)
    this.#end(entry.value)
  }

  /** All that is in use. */
  readonly values = (): readonly T[] => Array.from(this.#entries.values(), ({ value }) => value)
}
