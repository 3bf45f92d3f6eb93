import {
  keepTotals,
  lostTotals,
  mergeSnapshots,
  renderSnapshot,
  type Exposition,
} from '../metrics/merge-snapshots.ts'
import type { MetricsSnapshot } from '../metrics/take-snapshot.ts'

/**
 * The exposition of all workers as if they were one process. Prometheus takes a counter that goes back for
 * one that began anew, and counts all of it again: so what a worker said last stays in the sums when it
 * has ended, while it does not answer, and where a reload has it count anew (a variant of another version, say).
 */
export class MetricsMemory {
  readonly #own: () => Promise<MetricsSnapshot>
  readonly #last = new Map<number, MetricsSnapshot>()
  /** Workers that may have taken another configuration since their last snapshot. */
  readonly #reloaded = new Set<number>()
  /** So far. */
  #scrapes = 0
  /** One after the other: of two that end at once neither's totals may be lost. */
  #ended: Promise<MetricsSnapshot> = Promise.resolve([])

  /** `own`: what the process that has the workers counts itself. */
  constructor(own: () => Promise<MetricsSnapshot>) {
    this.#own = own
  }

  /** A worker's newest snapshot. */
  note(worker: number, snapshot: MetricsSnapshot): void {
    const last = this.#last.get(worker)
    // Only a reload makes counters go back, and to look for them takes as long as to merge.
    if (this.#reloaded.delete(worker) && last !== undefined) {
      this.#keep(() => lostTotals(last, snapshot))
    }
    this.#last.set(worker, snapshot)
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
        this.note(worker.number, parts.flat())
      }),
    )
  }

  /** To be told before workers take a configuration and when they have. */
  reloading(): void {
    for (const worker of this.#last.keys()) this.#reloaded.add(worker)
  }

  /** A worker has ended; another one of its number begins at zero. */
  bury(worker: number): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last !== undefined) this.#keep(async () => keepTotals(last))
  }

  /** All together; what the others only follow is `leading`'s. */
  async render(leading: number): Promise<Exposition> {
    const own = this.#last.get(leading) ?? []
    const others = [...this.#last].filter(([worker]) => worker !== leading).map(([, last]) => last)
    const rest = [...others, await this.#ended, await this.#own()]
    return renderSnapshot(await mergeSnapshots(own, rest))
  }

  #keep(totals: () => Promise<MetricsSnapshot>): void {
    this.#ended = this.#ended.then(async (ended) => mergeSnapshots(await totals(), [ended]))
  }
}
