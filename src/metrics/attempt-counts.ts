import type { AttemptResult } from './recorder.ts'

/** One time series of `serin_attempts_total`. */
export type AttemptSeries = {
  readonly upstream: string
  readonly result: AttemptResult
  count: number
}

/** Attempts at the upstreams of one variant, by what became of them. */
export class AttemptCounts {
  readonly #byUpstream = new Map<string, AttemptSeries[]>()
  /** The series that was counted last: mostly the next one too. */
  #last: AttemptSeries | null = null

  /** Counts one attempt. */
  add(upstream: string, result: AttemptResult): void {
    let series = this.#last
    if (series === null || series.result !== result || series.upstream !== upstream) {
      series = this.#last = this.#seriesOf(upstream, result)
    }
    series.count++
  }

  /** All series, those of an upstream together. */
  series(): Iterable<AttemptSeries> {
    return [...this.#byUpstream.values()].flat()
  }

  #seriesOf(upstream: string, result: AttemptResult): AttemptSeries {
    let ofUpstream = this.#byUpstream.get(upstream)
    if (ofUpstream === undefined) this.#byUpstream.set(upstream, (ofUpstream = []))
    const known = ofUpstream.find((each) => each.result === result)
    if (known !== undefined) return known
    const series = { upstream, result, count: 0 }
    ofUpstream.push(series)
    return series
  }
}
