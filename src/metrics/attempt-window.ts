import type { AttemptCount } from '../statistics/breaker.ts'

const BUCKETS = 600
const BUCKET_MS = 1000

/** What happened in the span that ends now. */
export type SpanCount = AttemptCount & { readonly spanMs: number }

/** Attempts, failures and client errors of one variant over the last ten minutes, in buckets of one second: O(1) to add. */
export class AttemptWindow {
  readonly #attempts = new Uint32Array(BUCKETS)
  readonly #failures = new Uint32Array(BUCKETS)
  readonly #clientErrors = new Uint32Array(BUCKETS)
  #newest = 0
  #since: number | null = null
  /** Attempts in all buckets. */
  #total = 0

  /** Books one finished attempt. `now` in epoch ms; a clock that went back books into the newest bucket. */
  add(now: number, failed: boolean, isClientError = false): void {
    this.#forget(now)
    this.#since ??= now
    const index = this.#newest % BUCKETS
    this.#attempts[index]!++
    this.#total++
    if (failed) this.#failures[index]!++
    else if (isClientError) this.#clientErrors[index]!++
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
    return this.#total === 0 ? Infinity : (this.#newest + 1) * BUCKET_MS
  }

  #back(now: number, minAttempts: number, minSpanMs: number): SpanCount {
    this.#forget(now)
    const minBuckets = Math.min(Math.ceil(minSpanMs / BUCKET_MS), BUCKETS)
    let attempts = 0
    let failures = 0
    let clientErrors = 0
    let back = 0
    while (back < BUCKETS && (attempts < minAttempts || back < minBuckets)) {
      if (attempts === this.#total) {
        // Nothing more is found further back.
        back = attempts < minAttempts ? BUCKETS : minBuckets
        break
      }
      const index = (this.#newest - back + BUCKETS) % BUCKETS
      attempts += this.#attempts[index]!
      failures += this.#failures[index]!
      clientErrors += this.#clientErrors[index]!
      back++
    }
    return { attempts, failures, clientErrors, spanMs: back * BUCKET_MS }
  }

  #forget(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS)
    if (bucket <= this.#newest) return
    const gone = Math.min(bucket - this.#newest, BUCKETS)
    for (let i = 0; i < gone; i++) {
      const index = (bucket - i) % BUCKETS
      this.#total -= this.#attempts[index]!
      this.#attempts[index] = 0
      this.#failures[index] = 0
      this.#clientErrors[index] = 0
    }
    this.#newest = bucket
  }
}
