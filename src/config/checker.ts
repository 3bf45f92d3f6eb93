import type { ConfigPath, Finding } from './problem.ts'

/** What the checks of meaning read a file through, and tell what they find. */
export class Checker {
  readonly root: unknown
  readonly problems: Finding[] = []
  readonly warnings: Finding[] = []
  /** How a number, true or false was written in the file; null for text and where it is not known. */
  readonly sourceOf: (path: ConfigPath) => string | null
  readonly #unsound = new Set<string>()
  readonly #above = new Set<string>()

  /** `unsound` are the paths whose values do not follow the schema. */
  constructor(
    root: unknown,
    unsound: readonly ConfigPath[],
    sourceOf: (path: ConfigPath) => string | null,
  ) {
    this.root = root
    for (const path of unsound) {
      this.#unsound.add(JSON.stringify(path))
      for (const length of path.keys()) this.#above.add(JSON.stringify(path.slice(0, length)))
    }
    this.sourceOf = sourceOf
  }

  /**
   * The value at a path, if it is there and everything in it follows the schema; else undefined, so that
   * a check of meaning stays silent where the shape was already refused. `T` is the schema's type of it.
   */
  read<T>(path: ConfigPath): T | undefined {
    const value = this.#at(path)
    return value !== undefined && this.isSound(path) ? (value as T) : undefined
  }

  /** The keys (or indexes) of what is at a path, whatever is wrong with the values. */
  keys(path: ConfigPath): readonly (string | number)[] {
    const value = this.#at(path)
    if (Array.isArray(value)) return [...value.keys()]
    return value !== null && typeof value === 'object' ? Object.keys(value) : []
  }

  /** Nothing at the path, above or below it was refused. */
  isSound(path: ConfigPath): boolean {
    if (this.#unsound.size === 0) return true
    const isSpoiled = (length: number) => this.#unsound.has(JSON.stringify(path.slice(0, length)))
    return !this.#above.has(JSON.stringify(path)) && ![...path.keys(), path.length].some(isSpoiled)
  }

  problem(path: ConfigPath, message: string): void {
    this.problems.push({ path, message })
  }

  warn(path: ConfigPath, message: string): void {
    this.warnings.push({ path, message })
  }

  #at(path: ConfigPath): unknown {
    return path.reduce<unknown>(
      (at, key) =>
        at !== null && typeof at === 'object' && Object.hasOwn(at, key)
          ? (at as Record<string | number, unknown>)[key]
          : undefined,
      this.root,
    )
  }
}
