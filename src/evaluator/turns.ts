/** Work that is done for somebody, of whom each has so much done at once; the rest waits, first come first served. */
export class Turns {
  readonly #most: number
  /** Who has work under way, how much, and what waits. */
  readonly #lines = new Map<string, { running: number; readonly waiting: (() => void)[] }>()

  constructor(most: number) {
    this.#most = most
  }

  /** Does it when its turn has come. Settles as the work does, which makes room whatever comes of it. */
  async run<T>(who: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(who) ?? { running: 0, waiting: [] }
    this.#lines.set(who, line)
    if (line.running >= this.#most) await new Promise<void>((turn) => line.waiting.push(turn))
    else line.running += 1
    try {
      return await work()
    } finally {
      // The turn is handed on, so that nobody who comes now is before those who wait.
      const next = line.waiting.shift()
      if (next !== undefined) next()
      else if (--line.running === 0) this.#lines.delete(who)
    }
  }
}
