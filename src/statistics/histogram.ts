/** Lower end of the range, in milliseconds (1 µs): values up to it share the first bucket. */
const LOWEST_MS = 0.001
/** Upper end of the range, in milliseconds (1 h): values above it count as this. */
const HIGHEST_MS = 3_600_000
/** Ratio of the edges of two neighbouring buckets: quantiles are at most 2 % too high. */
const GAMMA = 1.02
const LOG_GAMMA = Math.log(GAMMA)
/** Buckets: (LOWEST·γⁱ⁻¹, LOWEST·γⁱ], the last one up to just above the range. */
const BUCKETS = 1 + Math.ceil(Math.log(HIGHEST_MS / LOWEST_MS) / LOG_GAMMA)

/** A histogram as it is stored: the buckets that hold anything, by index. */
export type LogHistogramJson = readonly (readonly [bucket: number, count: number])[]

/**
 * Latencies in logarithmic buckets of fixed edges, so that histograms of replicas merge exactly by
 * addition. Counts are fractional where they decay; how fast is the caller's, by `scale`.
 */
export class LogHistogram {
  readonly #counts = new Float64Array(BUCKETS)

  /** A histogram from its stored form; throws a RangeError on a bucket that does not exist. */
  static from(stored: LogHistogramJson): LogHistogram {
    const histogram = new LogHistogram()
    for (const [bucket, count] of stored) {
      if (!(bucket in histogram.#counts)) throw new RangeError(`no histogram bucket ${bucket}`)
      histogram.#counts[bucket] = count
    }
    return histogram
  }

  /** Number of values, decayed ones by their weight. */
  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** Adds one value in milliseconds; throws a RangeError where it is not a number from 0 on. */
  add(ms: number): void {
    this.addAt(latencyBucket(ms))
  }

  /** Adds one value by its bucket: for several histograms of one value the logarithm is taken once. */
  addAt(bucket: number): void {
    this.#counts[bucket]! += 1
  }

  /**
   * The q-quantile in milliseconds, q in (0, 1]; null when empty. It is the upper edge of the bucket in
   * which the quantile lies, so that at most a share 1 − q of the values recorded is above it.
   */
  quantile(q: number): number | null {
    const target = q * this.count
    if (target === 0) return null
    let bucket = 0
    // Sums in the order of `count`, so the last bucket reaches it exactly.
    let reached = this.#counts[0]!
    while (reached < target) reached += this.#counts[++bucket]!
    return LOWEST_MS * GAMMA ** bucket
  }

  /** Share of the values that are above `ms`, to a bucket's width; 0 when empty. */
  shareAbove(ms: number): number {
    const bucket = latencyBucket(ms)
    const { count } = this
    if (count === 0) return 0
    return this.#counts.subarray(bucket + 1).reduce((sum, each) => sum + each, 0) / count
  }

  /** Adds everything that another histogram holds. */
  merge(other: LogHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket]! += count
  }

  /** Multiplies every count: decay by a half-life h over t is a factor of 2^(−t/h). */
  scale(factor: number): void {
    for (const bucket of this.#counts.keys()) this.#counts[bucket]! *= factor
  }

  /** Forgets every value. */
  reset(): void {
    this.#counts.fill(0)
  }

  /** The stored form; `from` gives an equal histogram. */
  toJSON(): LogHistogramJson {
    return [...this.#counts.entries()].filter(([, count]) => count > 0)
  }
}

/** The bucket of a latency in milliseconds; throws a RangeError where it is not a number from 0 on. */
export function latencyBucket(ms: number): number {
  if (!(ms >= 0)) throw new RangeError(`a latency is a number from 0 on, found ${ms}`)
  if (ms <= LOWEST_MS) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LOWEST_MS) / LOG_GAMMA))
}
