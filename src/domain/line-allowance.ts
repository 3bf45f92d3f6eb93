/** Lines of one kind in a second. */
const LINES_PER_SECOND = 5

type Allowance = {
  /** Its second began, in monotonic ms. */
  since: number
  written: number
  /** Left out since the last line. */
  suppressed: number
}

/** Lets five lines of each kind into a log in a second, so that nobody fills a disk with what is refused. */
export class LineAllowance<Kind> {
  readonly #allowances = new Map<Kind, Allowance>()

  /**
   * Asks for one line at `now` (monotonic ms): null = it is left out; else how many of its kind were left out since the
   * last one, which the line is to say.
   */
  take(kind: Kind, now: number): number | null {
    const allowance = this.#allowanceOf(kind, now)
    if (allowance.written === LINES_PER_SECOND) {
      allowance.suppressed++
      return null
    }
    allowance.written++
    const { suppressed } = allowance
    allowance.suppressed = 0
    return suppressed
  }

  #allowanceOf(kind: Kind, now: number): Allowance {
    let allowance = this.#allowances.get(kind)
    if (allowance === undefined) {
      allowance = { since: now, written: 0, suppressed: 0 }
      this.#allowances.set(kind, allowance)
    } else if (now - allowance.since >= 1000) {
      allowance.since = now
      allowance.written = 0
    }
    return allowance
  }
}
