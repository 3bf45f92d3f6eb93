import type { MetricsSnapshot } from '../metrics/take-snapshot.ts'

/** Scrapes that may be under way at once: of more, the oldest is one that nobody asks for any more. */
const AT_ONCE = 4

/** The snapshots that are being taken of a worker, by the number of their scrape. */
export class Scrapes {
  readonly #underWay = new Map<number, AsyncGenerator<MetricsSnapshot>>()
  /** The newest that has begun: their numbers grow. */
  #newest = 0

  /**
   * The next part of a scrape, which begins with the first question for it; null = that was all. Rejects where it was
   * given up for newer ones: what it has is no whole.
   */
  async next(
    scrape: number,
    begin: () => AsyncGenerator<MetricsSnapshot>,
  ): Promise<MetricsSnapshot | null> {
    const parts = this.#underWay.get(scrape) ?? this.#begin(scrape, begin)
    const { done, value } = await parts.next()
    if (done !== true) return value
    this.#underWay.delete(scrape)
    return null
  }

  #begin(
    scrape: number,
    begin: () => AsyncGenerator<MetricsSnapshot>,
  ): AsyncGenerator<MetricsSnapshot> {
    if (scrape <= this.#newest) throw new Error(`scrape ${scrape} was given up for newer ones`)
    this.#newest = scrape
    const parts = begin()
    this.#underWay.set(scrape, parts)
    if (this.#underWay.size > AT_ONCE) this.#underWay.delete(Math.min(...this.#underWay.keys()))
    return parts
  }
}
