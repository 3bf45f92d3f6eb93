/** Lower end of the range, in milliseconds (1 µs): values up to it share the first bucket. */
const LOWEST_MS = 0.001
/** Upper end of the range, in milliseconds (1 h): values above it count as this. */
export const HIGHEST_MS = 3_600_000
/** Ratio of the edges of two neighbouring buckets: quantiles are at most 2 % too high. */
const GAMMA = 1.02
const LOG_GAMMA = Math.log(GAMMA)
/** Buckets: (LOWEST·γⁱ⁻¹, LOWEST·γⁱ], the last one up to just above the range. */
const BUCKETS = 1 + Math.ceil(Math.log(HIGHEST_MS / LOWEST_MS) / LOG_GAMMA)

/** What one value may weigh before all weights are made smaller. */
const MAX_UNIT = 1e12

/** A histogram as it is stored: the buckets that hold anything, by index. */
export type LogHistogramJson = readonly (readonly [bucket: number, count: number])[]

/**
 * Latencies in logarithmic buckets of fixed edges, so that histograms of replicas merge exactly by
 * addition. Counts are fractional where they decay; how fast is the caller's, by `scale`.
 */
export class LogHistogram {
  /** In units, as is their sum. */
  readonly #counts = new Float64Array(BUCKETS)
  #sum = 0
  /** Nothing is in the buckets below. */
  #lowest = BUCKETS
  /** What a new value weighs: decay makes it heavier instead of every bucket lighter. */
  #unit = 1

  /** A histogram from its stored form; throws a RangeError on a bucket that does not exist. */
  static from(stored: LogHistogramJson): LogHistogram {
    const histogram = new LogHistogram()
    for (const [bucket, count] of stored) {
      if (!(bucket in histogram.#counts)) throw new RangeError(`no histogram bucket ${bucket}`)
      histogram.#counts[bucket] = count
      histogram.#sum += count
      histogram.#lowest = Math.min(histogram.#lowest, bucket)
    }
    return histogram
  }

  /** Number of values, decayed ones by their weight. */
  get count(): number {
    return this.#sum / this.#unit
  }

  /** Adds one value in milliseconds; throws a RangeError where it is not a number from 0 on. */
  add(ms: number): void {
    this.addAt(latencyBucket(ms))
  }

  /** Adds one value by its bucket: for several histograms of one value the logarithm is taken once. */
  addAt(bucket: number): void {
    this.#counts[bucket]! += this.#unit
    this.#sum += this.#unit
    if (bucket < this.#lowest) this.#lowest = bucket
  }

  /**
   * The q-quantile in milliseconds, q in (0, 1]; null when empty. It is the upper edge of the bucket in
   * which the quantile lies, so that at most a share 1 − q of the values recorded is above it.
   */
  quantile(q: number): number | null {
    if (this.#sum === 0) return null
    const target = q * this.#sum
    let bucket = 0
    let reached = 0
    for (let next = this.#lowest; next < BUCKETS && reached < target; next += 1) {
      const count = this.#counts[next]!
      if (count === 0) continue
      reached += count
      // The last one that holds anything, where rounding leaves a little to be reached.
      bucket = next
    }
    return LOWEST_MS * GAMMA ** bucket
  }

  /** Share of the values that are above `ms`, to a bucket's width; 0 when empty. */
  shareAbove(ms: number): number {
    const bucket = latencyBucket(ms)
    if (this.#sum === 0) return 0
    return this.#counts.subarray(bucket + 1).reduce((sum, each) => sum + each, 0) / this.#sum
  }

  /** Adds everything that another histogram holds. */
  merge(other: LogHistogram): void {
    const ratio = this.#unit / other.#unit
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket]! += count * ratio
    this.#sum += other.#sum * ratio
    this.#lowest = Math.min(this.#lowest, other.#lowest)
  }

  /** What has been added since a copy of it was made; nothing may have been scaled in between. */
  since(copy: LogHistogram): LogHistogram {
    const added = this.copy()
    for (const [bucket, count] of copy.#counts.entries()) added.#counts[bucket]! -= count
    added.#sum -= copy.#sum
    return added
  }

  /** A histogram of the same values that goes its own way. */
  copy(): LogHistogram {
    const copy = new LogHistogram()
    copy.#counts.set(this.#counts)
    copy.#sum = this.#sum
    copy.#unit = this.#unit
    copy.#lowest = this.#lowest
    return copy
  }

  /** Multiplies every count, from 0 to 1: decay by a half-life h over t is a factor of 2^(−t/h). */
  scale(factor: number): void {
    if (factor === 0) {
      this.reset()
      return
    }
    this.#unit /= factor
    if (this.#unit < MAX_UNIT) return
    for (const bucket of this.#counts.keys()) this.#counts[bucket]! /= this.#unit
    this.#sum /= this.#unit
    this.#unit = 1
  }

  /** Forgets every value. */
  reset(): void {
    this.#counts.fill(0)
    this.#sum = 0
    this.#unit = 1
    this.#lowest = BUCKETS
  }

  /** The stored form; `from` gives an equal histogram. */
  toJSON(): LogHistogramJson {
    return [...this.#counts.entries()]
      .filter(([, count]) => count > 0)
      .map(([bucket, count]) => [bucket, count / this.#unit])
  }
}

/** The bucket of a latency in milliseconds; throws a RangeError where it is not a number from 0 on. */
export function latencyBucket(ms: number): number {
  if (!(ms >= 0)) throw new RangeError(`a latency is a number from 0 on, found ${ms}`)
  if (ms <= LOWEST_MS) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LOWEST_MS) / LOG_GAMMA))
}
