import type { AttemptCount, KeyCount } from '../statistics/breaker.ts'
import type { AttemptEnd } from './request-code.ts'

const BUCKETS = 600
/**
 * Numbers of a bucket: attempts, failures, client errors, clients that left; as bits, the places of keys that had each of
 * them (two of KEY_PLACES to a bit); and how many attempts had begun before it, modulo 2³².
 */
const WIDTH = 9
/** Where those bits begin. */
const KEYS = 4
/** Where the attempts before it stand. */
const BEGUN = 8
const BUCKET_MS = 1000

/** What happened in the span that ends now. */
export type SpanCount = Required<AttemptCount> & {
  readonly keys: Required<KeyCount>
  readonly spanMs: number
}

/**
 * Attempts of one variant and how they ended over the last ten minutes, and about how many keys had them, in buckets of
 * one second: O(1) to add.
 */
export class AttemptWindow {
  /** Attempts that have begun, ever: whoever books or reads says so before. */
  begun = 0
  /** Of all buckets, one after the other: of thousands of windows, memory that is far apart would be most of a look. */
  readonly #counts = new Uint32Array(WIDTH * BUCKETS)
  #newest = 0
  #since: number | null = null
  /** Attempts in all buckets. */
  #total = 0
  #keyless = 0

  /**
   * Books one finished attempt. `now` in epoch ms; a clock that went back books into the newest bucket. `keyPlace`: where its
   * key is dealt to, below KEY_PLACES; one without a key is nobody else's.
   */
  add(now: number, end: AttemptEnd, keyPlace: number | null = null): void {
    this.#forget(now)
    this.#since ??= now
    const at = (this.#newest % BUCKETS) * WIDTH
    // A shift goes round by itself: two places share a bit, and those without a key take the bits in turn.
    const key = 1 << (keyPlace ?? this.#keyless++)
    this.#count(at, key)
    this.#total++
    if (end !== 'good') this.#count(at + PLACES[end], key)
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

  #back(now: number, minAttempts: number, minSpanMs: number): SpanCount {
    this.#forget(now)
    const minBuckets = Math.min(Math.ceil(minSpanMs / BUCKET_MS), BUCKETS)
    let attempts = 0
    let failures = 0
    let clientErrors = 0
    let left = 0
    let [seen, failed, refused, unanswered] = [0, 0, 0, 0]
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
      left += this.#counts[at + 3]!
      seen |= this.#counts[at + KEYS]!
      failed |= this.#counts[at + KEYS + 1]!
      refused |= this.#counts[at + KEYS + 2]!
      unanswered |= this.#counts[at + KEYS + 3]!
      at = at === 0 ? (BUCKETS - 1) * WIDTH : at - WIDTH
      back++
    }
    const keys = {
      seen: countBits(seen),
      failed: countBits(failed),
      unserved: countBits(failed | refused),
      unanswered: countBits(failed | unanswered),
    }
    const oldest = (this.#newest + BUCKETS - Math.max(back, 1) + 1) % BUCKETS
    const begun = (this.begun - this.#counts[oldest * WIDTH + BEGUN]!) >>> 0
    return { attempts, failures, clientErrors, left, begun, keys, spanMs: back * BUCKET_MS }
  }

  #count(at: number, key: number): void {
    this.#counts[at]!++
    this.#counts[at + KEYS]! |= key
  }

  #forget(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS)
    if (bucket <= this.#newest) return
    const gone = Math.min(bucket - this.#newest, BUCKETS)
    for (let i = 0; i < gone; i++) {
      const at = ((bucket - i) % BUCKETS) * WIDTH
      this.#total -= this.#counts[at]!
      this.#counts.fill(0, at, at + WIDTH)
      this.#counts[at + BEGUN] = this.begun
    }
    this.#newest = bucket
  }
}

/** Where the number of such ends stands in a bucket. */
const PLACES = { failed: 1, client_error: 2, left: 3 } as const

function countBits(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
