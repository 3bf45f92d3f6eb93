/** Traffic of longer ago says nothing of now. */
const WINDOW_MS = 300_000

/** How far apart the counts are that are kept. */
const SLICE_MS = 10_000

/** Without a unit for so long there is no traffic, and what comes after it has a pace of its own. */
const IDLE_MS = 60_000

type Mark = { readonly at: number; readonly units: number }

/**
 * How fast units were drawn lately: over five minutes at most, times without traffic left out. Units come by the
 * cohort, so the first ones after a time without any only say when the others begin to count.
 */
export class RecentPace {
  #marks: Mark[] = []
  /** When units came last. */
  #newest: Mark | null = null
  /** Before the last time without traffic. */
  #before: number | null = null

  /** At `now` (ms) so many units were drawn in all; to be called again and again. Fewer than before: counted anew. */
  note(now: number, units: number): void {
    const newest = this.#newest
    if (newest === null || units < newest.units) {
      this.#newest = { at: now, units }
      this.#marks = []
      this.#before = null
    } else if (units > newest.units) {
      if (now - newest.at >= IDLE_MS) {
        this.#before = this.perSecond
        this.#marks = []
      }
      this.#newest = { at: now, units }
      this.#keep(this.#newest)
    }
  }

  /** Units per second, while there is no traffic those of before; null = there has not been any for long enough to say. */
  get perSecond(): number | null {
    const [first] = this.#marks
    if (first === undefined) return this.#before
    const { at, units } = this.#newest!
    if (at - first.at < SLICE_MS) return this.#before
    return ((units - first.units) * 1000) / (at - first.at)
  }

  #keep(mark: Mark): void {
    const marks = this.#marks
    const last = marks.at(-1)
    if (last === undefined || mark.at - last.at >= SLICE_MS) marks.push(mark)
    while (marks.length > 1 && marks[1]!.at <= mark.at - WINDOW_MS) marks.shift()
  }
}
