import {
  keepTotals,
  mergeSnapshots,
  renderSnapshot,
  type Exposition,
  type MetricsSnapshot,
} from '../metrics/merge-snapshots.ts'

/**
 * The exposition of all workers as if they were one process. Prometheus takes a counter that goes back for
 * one that began anew, and counts all of it again: so what a worker said last stays in the sums when it
 * has ended, and while it does not answer.
 */
export class MetricsMemory {
  readonly #own: () => Promise<MetricsSnapshot>
  readonly #last = new Map<number, MetricsSnapshot>()
  /** One after the other: of two that end at once neither's totals may be lost. */
  #ended: Promise<MetricsSnapshot> = Promise.resolve([])

  /** `own`: what the process that has the workers counts itself. */
  constructor(own: () => Promise<MetricsSnapshot>) {
    this.#own = own
  }

  /** A worker's newest snapshot. */
  note(worker: number, snapshot: MetricsSnapshot): void {
    this.#last.set(worker, snapshot)
  }

  /** A worker has ended; another one of its number begins at zero. */
  bury(worker: number): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last === undefined) return
    this.#ended = this.#ended.then((ended) => mergeSnapshots(keepTotals(last), [ended]))
  }

  /** All together; what the others only follow is `leading`'s. */
  async render(leading: number): Promise<Exposition> {
    const own = this.#last.get(leading) ?? []
    const others = [...this.#last].filter(([worker]) => worker !== leading).map(([, last]) => last)
    const rest = [...others, await this.#ended, await this.#own()]
    return renderSnapshot(await mergeSnapshots(own, rest))
  }
}
