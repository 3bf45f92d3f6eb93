/** Upper bounds in milliseconds of the buckets that Prometheus sees; the last one is open. */
const BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
] as const

/** Counts durations in the fixed buckets of a Prometheus histogram. */
export class DurationBuckets {
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1)
  #sumMs = 0

  /** Books one duration in milliseconds. */
  add(ms: number): void {
    let bucket = 0
    while (bucket < BOUNDS_MS.length && ms > BOUNDS_MS[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sumMs += ms
  }

  /** Cumulative counts by upper bound in seconds (`+Inf` last), the sum in seconds, and the count. */
  cumulative(): {
    readonly buckets: readonly { readonly le: string; readonly count: number }[]
    readonly sumSeconds: number
    readonly count: number
  } {
    let count = 0
    const buckets = Array.from(this.#counts, (inBucket, i) => {
      count += inBucket
      const bound = BOUNDS_MS[i]
      return { le: bound === undefined ? '+Inf' : String(bound / 1000), count }
    })
    return { buckets, sumSeconds: this.#sumMs / 1000, count }
  }
}
