import { LogHistogram } from '../statistics/histogram.ts'

/** Half of the weight of a request is gone when so many have come after it, but not before so much time is over. */
const HALF_LIFE = { requests: 500, ms: 10_000 }

/** Requests, and those of them that failed; fractions where they fade. */
export type FailureCount = { readonly requests: number; readonly failures: number }

/** Requests of one variant since the step began. */
export class StepFigures {
  requests = 0
  failures = 0
  clientErrors = 0
  readonly latencies = new LogHistogram()
  // Plain numbers, since those of thousands of services fade at each tick. What has faded, and of how many requests that is:
  #fadedRequests = 0
  #fadedFailures = 0
  #countedRequests = 0
  #countedFailures = 0
  #recentLatencies: LogHistogram | null = null
  // Half-lives that one has come to, and the other not yet.
  #dueByRequests = 0
  #dueByTime = 0

  /** Adds one finished request; `bucket` null = its time says nothing. */
  add(failed: boolean, bucket: number | null, isClientError = false): void {
    this.requests++
    if (failed) this.failures++
    else if (isClientError) this.clientErrors++
    if (bucket === null) return
    this.latencies.addAt(bucket)
    this.#recentLatencies?.addAt(bucket)
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

  /**
   * Lets old requests weigh less, `passedMs` after the last time: half of their weight is gone after 500 requests, and after 10 s
   * where more come in that time. So of little traffic there is enough to judge, and of much not a moment alone.
   */
  fade(passedMs: number): void {
    const since = this.requests - this.#countedRequests
    const byRequests = this.#dueByRequests + since / HALF_LIFE.requests
    const byTime = this.#dueByTime + passedMs / HALF_LIFE.ms
    const halfLives = Math.min(byRequests, byTime)
    const factor = 0.5 ** halfLives
    this.#recentLatencies?.scale(factor)
    this.#fadedRequests = (this.#fadedRequests + since) * factor
    this.#fadedFailures = (this.#fadedFailures + this.failures - this.#countedFailures) * factor
    this.#countedRequests = this.requests
    this.#countedFailures = this.failures
    // Requests that come in bursts fade between them; what is due is bounded, so that a long silence makes no burst fade at once.
    this.#dueByRequests = Math.min(1, byRequests - halfLives)
    this.#dueByTime = Math.min(1, byTime - halfLives)
  }
}
