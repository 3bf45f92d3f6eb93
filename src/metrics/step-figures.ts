import type { PlaceCount } from '../domain/key-places.ts'
import { HalfLife } from '../statistics/half-life.ts'
import { latencyBucket, LogHistogram } from '../statistics/histogram.ts'
import { PlaceCounts } from './place-counts.ts'
import type { AttemptEnd } from './request-code.ts'

/** Requests, and those of them that failed; fractions where they fade. */
export type FailureCount = { readonly requests: number; readonly failures: number }

/** Of requests with a key, by the place of the key. */
export type Places = {
  /** All of them, and those that failed. */
  readonly failed: readonly PlaceCount[]
  /** Those whose time says something, and those above a limit in ms; none where it is not one of those that are watched. */
  readonly slow: (limitMs: number) => readonly PlaceCount[]
}

/** Requests of one variant since the step began. */
export class StepFigures {
  requests = 0
  failures = 0
  clientErrors = 0
  /** Those whose clients left before an answer. */
  left = 0
  readonly latencies = new LogHistogram()
  // Plain numbers, since those of thousands of services fade at each tick. What has faded, and of how many requests that is:
  #fadedRequests = 0
  #fadedFailures = 0
  #countedRequests = 0
  #countedFailures = 0
  #recentLatencies: LogHistogram | null = null
  readonly #halfLife = new HalfLife()
  /** Null until the first request with a key: most services have none. */
  #failed: PlaceCounts | null = null
  readonly #slow: readonly SlowCounts[]

  /** `limitsMs`: the latencies above each of these are counted by place of their keys. */
  constructor(limitsMs: readonly number[] = []) {
    this.#slow = limitsMs.map((limitMs) => new SlowCounts(limitMs))
  }

  /** Adds one finished request; `bucket` null = its time says nothing, `keyPlace` null = it has no key. */
  add(end: AttemptEnd, bucket: number | null, keyPlace: number | null = null): void {
    this.requests++
    if (end === 'failed') this.failures++
    else if (end === 'client_error') this.clientErrors++
    else if (end === 'left') this.left++
    if (keyPlace !== null) (this.#failed ??= new PlaceCounts()).add(keyPlace, end === 'failed')
    if (bucket === null) return
    this.latencies.addAt(bucket)
    this.#recentLatencies?.addAt(bucket)
    if (keyPlace === null) return
    for (const slow of this.#slow) slow.add(keyPlace, bucket)
  }

  /** The same requests, each by its weight: 1 when it is new, and less with time and with those after it. */
  get recent(): FailureCount {
    return {
      requests: this.#fadedRequests + this.requests - this.#countedRequests,
      failures: this.#fadedFailures + this.failures - this.#countedFailures,
    }
  }

  /** Their latencies likewise; kept from the first time that they are asked for, when all of them are new. */
  get recentLatencies(): LogHistogram {
    return (this.#recentLatencies ??= this.latencies.copy())
  }

  /** Those of them that have a key. */
  get places(): Places {
    return this.#placesOf('all')
  }

  /** The same by weight. */
  get recentPlaces(): Places {
    return this.#placesOf('recent')
  }

  /** Lets old requests weigh less, `passedMs` after the last time: see HalfLife. */
  fade(passedMs: number): void {
    const since = this.requests - this.#countedRequests
    const factor = this.#halfLife.pass(since, passedMs)
    this.#recentLatencies?.scale(factor)
    this.#failed?.fade(factor)
    for (const { counts } of this.#slow) counts?.fade(factor)
    this.#fadedRequests = (this.#fadedRequests + since) * factor
    this.#fadedFailures = (this.#fadedFailures + this.failures - this.#countedFailures) * factor
    this.#countedRequests = this.requests
    this.#countedFailures = this.failures
  }

  #placesOf(time: 'all' | 'recent'): Places {
    return {
      failed: this.#failed?.[time] ?? [],
      slow: (limitMs) => this.#slow.find((slow) => slow.limitMs === limitMs)?.counts?.[time] ?? [],
    }
  }
}

/** Latencies above one limit, as `LogHistogram` has them: to a bucket's width. */
class SlowCounts {
  readonly limitMs: number
  readonly #limitBucket: number
  counts: PlaceCounts | null = null

  constructor(limitMs: number) {
    this.limitMs = limitMs
    this.#limitBucket = latencyBucket(limitMs)
  }

  add(place: number, bucket: number): void {
    const counts = (this.counts ??= new PlaceCounts())
    counts.add(place, bucket > this.#limitBucket)
  }
}
