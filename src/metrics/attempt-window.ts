import type { AttemptCount } from '../statistics/breaker.ts'

const BUCKETS = 600
/** Numbers of a bucket: attempts, failures, client errors. */
const WIDTH = 3
const BUCKET_MS = 1000
/** What is so many buckets older than the newest has come late; beyond it the clock was set back. */
const LATE_BUCKETS = 10

/** What happened in the span that ends now. */
export type SpanCount = AttemptCount & { readonly spanMs: number }

/** Attempts, failures and client errors of one variant over the last ten minutes, in buckets of one second: O(1) to add. */
export class AttemptWindow {
  /** Of all buckets, one after the other: of thousands of windows, memory that is far apart would be most of a look. */
  readonly #counts = new Uint32Array(WIDTH * BUCKETS)
  #newest = 0
  /** Buckets that a clock which was set back is behind the time that has passed. */
  #behind = 0
  #since: number | null = null
  /** Attempts in all buckets. */
  #total = 0

  /**
   * Books one finished attempt. `now` in epoch ms; what comes late is booked into the newest bucket, and where the clock
   * was set back, time goes on from there.
   */
  add(now: number, failed: boolean, isClientError = false): void {
    this.#forget(now)
    this.#since ??= now
    const at = (this.#newest % BUCKETS) * WIDTH
    this.#counts[at]!++
    this.#total++
    if (failed) this.#counts[at + 1]!++
    else if (isClientError) this.#counts[at + 2]!++
  }

  /** When the first attempt of all was booked, in epoch ms; null = none was. */
  get since(): number | null {
    return this.#since
  }

  /**
   * The shortest span back from `now` that holds `minAttempts` and lasts `minSpanMs`, or all there is.
   */
  covering(now: number, minAttempts: number, minSpanMs: number): SpanCount {
    return this.#back(now, minAttempts, minSpanMs)
  }

  /** What happened in the last `spanMs`. */
  within(now: number, spanMs: number): SpanCount {
    return this.#back(now, 0, spanMs)
  }

  /** When what such spans hold changes, if no attempt comes; Infinity = there is none in them. */
  changesAt(now: number): number {
    this.#forget(now)
    return this.#total === 0 ? Infinity : (this.#newest + 1 - this.#behind) * BUCKET_MS
  }

  #back(now: number, minAttempts: number, minSpanMs: number): SpanCount {
    this.#forget(now)
    const minBuckets = Math.min(Math.ceil(minSpanMs / BUCKET_MS), BUCKETS)
    let attempts = 0
    let failures = 0
    let clientErrors = 0
    let back = 0
    let at = (this.#newest % BUCKETS) * WIDTH
    while (back < BUCKETS && (attempts < minAttempts || back < minBuckets)) {
      if (attempts === this.#total) {
        // Nothing more is found further back.
        back = attempts < minAttempts ? BUCKETS : minBuckets
        break
      }
      attempts += this.#counts[at]!
      failures += this.#counts[at + 1]!
      clientErrors += this.#counts[at + 2]!
      at = at === 0 ? (BUCKETS - 1) * WIDTH : at - WIDTH
      back++
    }
    return { attempts, failures, clientErrors, spanMs: back * BUCKET_MS }
  }

  #forget(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS) + this.#behind
    if (bucket < this.#newest - LATE_BUCKETS) this.#behind += this.#newest - bucket
    if (bucket <= this.#newest) return
    const gone = Math.min(bucket - this.#newest, BUCKETS)
    for (let i = 0; i < gone; i++) {
      const at = ((bucket - i) % BUCKETS) * WIDTH
      this.#total -= this.#counts[at]!
      this.#counts.fill(0, at, at + WIDTH)
    }
    this.#newest = bucket
  }
}
