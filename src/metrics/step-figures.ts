import type { PlaceCount } from '../domain/key-places.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import { HalfLife } from '../statistics/half-life.ts'
import { PlaceCounts } from './place-counts.ts'
import type { AttemptEnd } from './request-code.ts'
import { StepTimes } from './step-times.ts'

/** Requests, and those of them that failed; fractions where they fade. */
export type FailureCount = { readonly requests: number; readonly failures: number }

/** Requests of one variant since the step began. */
export class StepFigures {
  requests = 0
  failures = 0
  clientErrors = 0
  /** Those whose clients left before an answer. */
  left = 0
  readonly #lastBytes: StepTimes
  /** Null: nobody asks. */
  #firstBytes: StepTimes | null = null
  readonly #failuresByKey: boolean
  /** Null until the first request with a key: most services have none. */
  #failed: PlaceCounts | null = null
  // Plain numbers, since those of thousands of services fade at each tick. What has faded, and of how many requests that is:
  #fadedRequests = 0
  #fadedFailures = 0
  #countedRequests = 0
  #countedFailures = 0
  readonly #halfLife = new HalfLife()

  /** Whether failures are counted by place of their keys, and latencies above which limits. */
  constructor(failuresByKey = false, limitsMs: readonly number[] = []) {
    this.#failuresByKey = failuresByKey
    this.#lastBytes = new StepTimes(limitsMs)
  }

  /** Keeps times until the first byte from now on, with limits of their own; null = no longer. */
  timeFirstBytes(limitsMs: readonly number[] | null): void {
    this.#firstBytes = limitsMs === null ? null : (this.#firstBytes ?? new StepTimes(limitsMs))
  }

  /**
   * Adds one finished request by the buckets of its times (null = its time says nothing, or none was taken), and by the
   * place of its key (null = it has none).
   */
  add(
    end: AttemptEnd,
    bucket: number | null,
    firstByte: number | null = null,
    keyPlace: number | null = null,
  ): void {
    this.requests++
    if (end === 'failed') this.failures++
    else if (end === 'client_error') this.clientErrors++
    else if (end === 'left') this.left++
    if (keyPlace !== null && this.#failuresByKey) {
      this.#failed ??= new PlaceCounts()
      this.#failed.add(keyPlace, end === 'failed')
    }
    if (bucket !== null) this.#lastBytes.addAt(bucket, keyPlace)
    if (firstByte !== null) this.#firstBytes?.addAt(firstByte, keyPlace)
  }

  /** How long they took; empty where that is not kept. */
  timesOf({ until }: Pick<LatencyQuantile, 'until'>): StepTimes {
    return until === undefined ? this.#lastBytes : (this.#firstBytes ?? new StepTimes())
  }

  /** The same requests, each by its weight: 1 when it is new, and less with time and with those after it. */
  get recent(): FailureCount {
    return {
      requests: this.#fadedRequests + this.requests - this.#countedRequests,
      failures: this.#fadedFailures + this.failures - this.#countedFailures,
    }
  }

  /** Those of them that have a key, and those that failed, by the place of the key; none where that is not kept. */
  get failed(): readonly PlaceCount[] {
    return this.#failed?.all ?? []
  }

  /** The same by weight. */
  get recentFailed(): readonly PlaceCount[] {
    return this.#failed?.recent ?? []
  }

  /** Lets old requests weigh less, `passedMs` after the last time: see HalfLife. */
  fade(passedMs: number): void {
    const since = this.requests - this.#countedRequests
    const factor = this.#halfLife.pass(since, passedMs)
    this.#lastBytes.fade(factor)
    this.#firstBytes?.fade(factor)
    this.#failed?.fade(factor)
    this.#fadedRequests = (this.#fadedRequests + since) * factor
    this.#fadedFailures = (this.#fadedFailures + this.failures - this.#countedFailures) * factor
    this.#countedRequests = this.requests
    this.#countedFailures = this.failures
  }
}
