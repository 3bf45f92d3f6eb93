/** Nothing is said of labels that do not come before this. */
const LEAST_MS = 45 * 60_000

/** Breaks between labels that are shorter are no habit of their sender. */
const SHORT_BREAK_MS = 15 * 60_000

/** How many of the last breaks are known. */
const KNOWN_BREAKS = 16

/** What of the time between two requests is time in which they come: nobody is without labels at night. */
const MOST_BETWEEN_MS = 60_000

/** Requests go on while the last one is no older. */
const GOES_ON_MS = 15 * 60_000

/** Half-life of the delays of labels: what a sender had kept during an outage is forgotten. */
const DELAY_HALF_LIFE_MS = 6 * 3_600_000

/** Labels of a service that do not come, while requests do. */
export type LabelSilence = {
  /** When the last one joined a request, in milliseconds since the epoch; before the first: when requests began. */
  readonly since: number
  /** When that is said. */
  readonly at: number
  /** How long labels took after their requests, in milliseconds; null = none has joined one here. */
  readonly usualMs: number | null
  /** Labels since then that were too late to count. */
  readonly late: number
}

/**
 * Whether labels of a service come as they used to. Breaks are measured in the time in which requests come. Labels are
 * missed after 45 min at the earliest, and no sooner than twice their second-longest break of late (a job that sends
 * them each hour makes a habit of it, one outage does not); and by twice their delay later.
 */
export class LabelPulse {
  /** Time in which requests came that labels may come for. */
  #askedMs = 0
  #askedFrom = Infinity
  #askedAt = -Infinity
  #joinedAt = -Infinity
  /** `#askedMs` at the last label. */
  #joinedAsked = 0
  #breaks: readonly number[] = []
  /** By weight: old ones fade. */
  readonly #delays = { sumMs: 0, weight: 0 }
  #joined = 0
  #late = 0

  /** Labels that have joined a request in time. */
  get joined(): number {
    return this.#joined
  }

  /** A request was answered with something that a label may come for; times in milliseconds since the epoch. */
  asked(now: number): void {
    if (this.#askedAt === -Infinity) this.#askedFrom = now
    else this.#askedMs += Math.min(Math.max(now - this.#askedAt, 0), MOST_BETWEEN_MS)
    this.#askedAt = now
  }

  /** A label has joined a request of `requestAt`; `late`: it counts for nothing. */
  labelled(requestAt: number, late: boolean, now: number): void {
    if (late) {
      this.#late++
      return
    }
    const lasted = this.#askedMs - this.#joinedAsked
    if (lasted >= SHORT_BREAK_MS) this.#breaks = [...this.#breaks, lasted].slice(-KNOWN_BREAKS)
    const delays = this.#delays
    const kept = 0.5 ** (Math.max(now - this.#joinedAt, 0) / DELAY_HALF_LIFE_MS)
    delays.sumMs = delays.sumMs * kept + Math.max(now - requestAt, 0)
    delays.weight = delays.weight * kept + 1
    this.#joinedAt = now
    this.#joinedAsked = this.#askedMs
    this.#joined++
    this.#late = 0
  }

  /**
   * Null: labels come as they used to, or no requests do. `windowMs`: within which they count, which has to pass before the
   * first; `elsewhereAt`: when another process on the store had one, as far as is known.
   */
  silence(now: number, windowMs: number, elsewhereAt = -Infinity): LabelSilence | null {
    if (now - this.#askedAt > GOES_ON_MS) return null
    const lasts = Math.min(this.#askedMs - this.#joinedAsked, now - elsewhereAt)
    const { sumMs, weight } = this.#delays
    const usualMs = weight === 0 ? null : Math.round(sumMs / weight)
    const usualBreak = this.#breaks.toSorted((a, b) => b - a)[1] ?? 0
    // Twice: all that a job sends at once is as old as half the time between two of its runs.
    const delayMs = usualMs === null ? windowMs : 2 * usualMs
    if (lasts < Math.max(LEAST_MS, 2 * usualBreak) + delayMs) return null
    const lastAt = Math.max(this.#joinedAt, elsewhereAt)
    const since = lastAt === -Infinity ? this.#askedFrom : lastAt
    return { since, at: now, usualMs, late: this.#late }
  }
}
