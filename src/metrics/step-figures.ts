import { HalfLife } from '../statistics/half-life.ts'
import { LogHistogram } from '../statistics/histogram.ts'
import type { AttemptEnd } from './request-code.ts'

/** Requests, and those of them that failed; fractions where they fade. */
export type FailureCount = { readonly requests: number; readonly failures: number }

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

  /** Adds one finished request; `bucket` null = its time says nothing. */
  add(end: AttemptEnd, bucket: number | null): void {
    this.requests++
    if (end === 'failed') this.failures++
    else if (end === 'client_error') this.clientErrors++
    else if (end === 'left') this.left++
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

  /** Lets old requests weigh less, `passedMs` after the last time: see HalfLife. */
  fade(passedMs: number): void {
    const since = this.requests - this.#countedRequests
    const factor = this.#halfLife.pass(since, passedMs)
    this.#recentLatencies?.scale(factor)
    this.#fadedRequests = (this.#fadedRequests + since) * factor
    this.#fadedFailures = (this.#fadedFailures + this.failures - this.#countedFailures) * factor
    this.#countedRequests = this.requests
    this.#countedFailures = this.failures
  }
}
