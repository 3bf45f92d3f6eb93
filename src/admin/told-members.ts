/**
 * What was last told of something, member by member as JSON: finds what has changed since, and can tell
 * everything again without building it anew.
 */
export class ToldMembers {
  readonly #told = new Map<string, string>()

  /** Takes the new state over: the JSON of an object with the members that differ, or null where none does. */
  changes(next: Readonly<Record<string, unknown>>): string | null {
    const changed: string[] = []
    for (const [name, value] of Object.entries(next)) {
      const json = JSON.stringify(value)
      if (this.#told.get(name) === json) continue
      this.#told.set(name, json)
      changed.push(`${JSON.stringify(name)}:${json}`)
    }
    return changed.length === 0 ? null : `{${changed.join(',')}}`
  }

  /** The JSON of everything that was told. */
  whole(): string {
    return `{${[...this.#told].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
  }
}
