/** Traffic of longer ago says nothing of now. */
const WINDOW_MS = 300_000

/** How far apart the counts are that are kept. */
const SLICE_MS = 10_000

/** Without a unit for so long there is no traffic, and what comes after it has a pace of its own. */
const IDLE_MS = 60_000

type Mark = { readonly at: number; readonly units: number }

/** How fast units were drawn lately: over five minutes at most, times without traffic left out. */
export class RecentPace {
  #marks: Mark[] = []
  /** When units came last. */
  #newest: Mark | null = null
  #lookedAt = 0
  #flows = false

  /** At `now` (ms) so many units were drawn in all; to be called again and again. */
  note(now: number, units: number): void {
    const newest = this.#newest
    if (newest === null) this.#newest = { at: now, units }
    else if (units > newest.units) {
      if (!this.#flows || now - newest.at >= IDLE_MS) {
        this.#marks = [{ at: this.#lookedAt, units: newest.units }]
      }
      this.#flows = true
      this.#newest = { at: now, units }
      this.#keep(this.#newest)
    }
    this.#lookedAt = now
  }

  /** Units per second; null = there has not been traffic for long enough to say. */
  get perSecond(): number | null {
    const [first] = this.#marks
    if (first === undefined) return null
    const { at, units } = this.#newest!
    return at - first.at < SLICE_MS ? null : ((units - first.units) * 1000) / (at - first.at)
  }

  #keep(mark: Mark): void {
    const marks = this.#marks
    if (mark.at - marks.at(-1)!.at >= SLICE_MS) marks.push(mark)
    while (marks.length > 1 && marks[1]!.at <= mark.at - WINDOW_MS) marks.shift()
  }
}
