/**
 * A fixed set of field names, lower case. Each name of a message is looked up once: a `Set` would compute its hash for
 * that alone, and its length already rules out nearly all others.
 */
export class NameSet {
  readonly #byLength: readonly (readonly string[])[]

  constructor(names: readonly string[]) {
    const longest = Math.max(...names.map(({ length }) => length))
    this.#byLength = Array.from({ length: longest + 1 }, (_, length) =>
      names.filter((name) => name.length === length),
    )
  }

  /** Whether the name is one of them. */
  has(name: string): boolean {
    return name.length < this.#byLength.length && this.#byLength[name.length]!.includes(name)
  }
}
