/** The cap is the baseline's 99.9 % quantile of absolute errors. */
const CAP_QUANTILE = 0.999

/** At least this many of the baseline's labels teach a cap. */
const MIN_TEACHING_LABELS = 1000

/** Learns caps from the baseline's first values (errors, totals, numbers), which are then not judged. */
export class CapLearner {
  readonly #errors = new Map<string, number[]>()
  readonly #learnt = new Set<string>()

  /**
   * These caps are in force. Values of cohorts from before, which go on to come while their window lasts, teach nothing
   * any more: there may be millions.
   */
  learnt(caps: Readonly<Record<string, number>>): void {
    for (const metric in caps) {
      this.#learnt.add(metric)
      this.#errors.delete(metric)
    }
  }

  /** Shows one absolute error of the baseline. */
  add(metric: string, error: number): void {
    if (this.#learnt.has(metric)) return
    const errors = this.#errors.get(metric)
    if (errors === undefined) this.#errors.set(metric, [error])
    else errors.push(error)
  }

  /** Takes back one that was shown; one that is not known any more, after a restart, is none. */
  remove(metric: string, error: number): void {
    const errors = this.#errors.get(metric) ?? []
    const index = errors.indexOf(error)
    if (index !== -1) errors.splice(index, 1)
  }

  /** Shows that one running total of the baseline has grown; totals of 0 teach nothing. */
  replace(metric: string, before: number, after: number): void {
    if (before > 0) this.remove(metric, before)
    if (after > 0) this.add(metric, after)
  }

  /** The cap of a metric, once: as soon as max(1,000, `minLabels`) labels of the baseline have been seen; else null. */
  take(metric: string, minLabels: number): number | null {
    const errors = this.#errors.get(metric) ?? []
    if (errors.length < Math.max(MIN_TEACHING_LABELS, minLabels)) return null
    this.#errors.delete(metric)
    const sorted = errors.toSorted((a, b) => a - b)
    return sorted[Math.ceil(CAP_QUANTILE * sorted.length) - 1]!
  }
}
