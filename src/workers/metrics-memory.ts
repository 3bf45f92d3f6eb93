import {
  joinSnapshots,
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
  /** So far. */
  #scrapes = 0
  /** One after the other: of two that end at once neither's totals may be lost. */
  #ended: Promise<MetricsSnapshot> = Promise.resolve([])

  /** `own`: what the process that has the workers counts itself. */
  constructor(own: () => Promise<MetricsSnapshot>) {
    this.#own = own
  }

  /**
   * Asks each of these workers for its newest snapshot, part by part until there is none (null): neither end could do
   * anything else while a message goes that has all of it. Who fails to answer keeps its last one.
   */
  async gather<W extends { readonly number: number }>(
    workers: readonly W[],
    ask: (worker: W, scrape: number) => Promise<MetricsSnapshot | null>,
  ): Promise<void> {
    const scrape = ++this.#scrapes
    await Promise.allSettled(
      workers.map(async (worker) => {
        const parts: MetricsSnapshot[] = []
        for (;;) {
          const part = await ask(worker, scrape)
          if (part === null) break
          parts.push(part)
        }
        this.#last.set(worker.number, joinSnapshots(parts))
      }),
    )
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
