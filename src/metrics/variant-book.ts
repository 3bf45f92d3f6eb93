import type { AssignmentReason } from '../domain/assignment.ts'
import type { Cause } from '../domain/faults.ts'
import type { Outcome } from '../domain/outcome.ts'
import { ratesOf, type AttemptRates } from '../statistics/breaker.ts'
import { LogHistogram } from '../statistics/histogram.ts'
import { AttemptWindow } from './attempt-window.ts'
import { DurationBuckets } from './duration-buckets.ts'
import type { AttemptResult } from './recorder.ts'

/** What one variant of one service has done, in plain counters that a scrape reads. */
export class VariantBook {
  readonly variant: string
  readonly version: string
  inFlight = 0
  requests = 0
  /** Requests that failed or had no answer. */
  errors = 0
  /** Requests that the variant's door turned away: its queue was full, or they waited there too long. */
  rejected = 0
  readonly durations = new DurationBuckets()
  readonly firstBytes = new DurationBuckets()
  /** Time spent in the gateway itself: total minus upstream. */
  readonly overheads = new DurationBuckets()
  /** Breaker and health read it: overrides stay out. */
  attempts = new AttemptWindow()
  /** Latencies of drawn requests, fading with time: the baseline's quantile, and what people are shown. */
  readonly drawn = new LogHistogram()
  /** The same of each segment that a latency metric looks at. */
  drawnIn: ReadonlyMap<string, LogHistogram> = new Map()
  /** Since the current step began, overrides left out: what absolute limits are judged on. */
  step = new StepFigures()
  /** The same of drawn requests alone, rules left out too: what may be compared with the other variant's. */
  drawnInStep = new StepFigures()
  /** Shares in the last step that had at least some traffic; null = never had any. */
  lastStep: AttemptRates | null = null
  /** Failures since the attempt began, overrides left out. */
  faults = new Map<Cause, number>()
  /** The same of answers with a 4xx that is no failure, by status. */
  clientErrors = new Map<number, number>()
  readonly #series = new Map<number, RequestSeries>()
  readonly #attemptSeries = new Map<string, AttemptSeries[]>()

  constructor(variant: string, version: string) {
    this.variant = variant
    this.version = version
  }

  /** Counts one finished request in its series; `status` 0 = nothing was sent. */
  count(outcome: Outcome, status: number, reason: AssignmentReason): void {
    this.requests++
    if (outcome === 'failed' || outcome === 'no_answer') this.errors++
    else if (outcome === 'rejected') this.rejected++
    // A number as key: a string would be built and hashed for every request.
    const key = (status * 8 + OUTCOMES[outcome]) * 4 + REASONS[reason]
    const series = this.#series.get(key)
    if (series !== undefined) series.count++
    else this.#series.set(key, { outcome, code: codeLabel(status), reason, count: 1 })
  }

  /** Counts one attempt at an upstream. */
  countAttempt(upstream: string, result: AttemptResult): void {
    let ofUpstream = this.#attemptSeries.get(upstream)
    if (ofUpstream === undefined) this.#attemptSeries.set(upstream, (ofUpstream = []))
    const series = ofUpstream.find((each) => each.result === result)
    if (series !== undefined) series.count++
    else ofUpstream.push({ upstream, result, count: 1 })
  }

  /** Counts one failure by its cause. */
  countFault(cause: Cause): void {
    this.faults.set(cause, (this.faults.get(cause) ?? 0) + 1)
  }

  /** Counts one answer with a 4xx that is no failure. */
  countClientError(status: number): void {
    this.clientErrors.set(status, (this.clientErrors.get(status) ?? 0) + 1)
  }

  requestSeries(): Iterable<RequestSeries> {
    return this.#series.values()
  }

  attemptSeries(): Iterable<AttemptSeries> {
    return [...this.#attemptSeries.values()].flat()
  }

  /** Keeps latencies of these segments apart from now on, and of no others; what is known stays. */
  watchSegments(segments: readonly string[]): void {
    const known = this.drawnIn
    this.drawnIn = new Map(segments.map((s) => [s, known.get(s) ?? new LogHistogram()]))
  }

  /** Adds a drawn request's latency by its bucket; `segment: null` = the service has none. */
  addDrawn(bucket: number, segment: string | null): void {
    this.drawn.addAt(bucket)
    if (segment !== null) this.drawnIn.get(segment)?.addAt(bucket)
  }

  /** Latencies of all drawn requests, or of a segment's; empty where those are not kept. */
  drawnOf(segment: string | undefined): LogHistogram {
    return segment === undefined ? this.drawn : (this.drawnIn.get(segment) ?? new LogHistogram())
  }

  /** Multiplies the weight of drawn latencies; 0 forgets them. */
  fadeDrawn(factor: number): void {
    this.drawn.scale(factor)
    for (const histogram of this.drawnIn.values()) histogram.scale(factor)
  }

  /** A step begins: its figures start anew. */
  beginStep(): void {
    const { requests: attempts, failures, clientErrors } = this.step
    if (attempts > 0) this.lastStep = ratesOf({ attempts, failures, clientErrors })
    this.step = new StepFigures()
    this.drawnInStep = new StepFigures()
  }

  /** An attempt begins: the breaker looks at nothing from before it, and failures are counted anew. */
  beginAttempt(): void {
    this.attempts = new AttemptWindow()
    this.faults = new Map()
    this.clientErrors = new Map()
  }
}

/** Requests of one variant since the step began. */
export class StepFigures {
  requests = 0
  failures = 0
  clientErrors = 0
  readonly latencies = new LogHistogram()

  /** Adds one finished request; `bucket` null = its time says nothing. */
  add(failed: boolean, bucket: number | null, isClientError = false): void {
    this.requests++
    if (failed) this.failures++
    else if (isClientError) this.clientErrors++
    if (bucket !== null) this.latencies.addAt(bucket)
  }
}

/** One time series of `serin_requests_total`. */
export type RequestSeries = {
  readonly outcome: Outcome
  readonly code: string
  readonly reason: AssignmentReason
  count: number
}

/** One time series of `serin_attempts_total`. */
export type AttemptSeries = {
  readonly upstream: string
  readonly result: AttemptResult
  count: number
}

const OUTCOMES: Readonly<Record<Outcome, number>> = {
  ok: 0,
  failed: 1,
  client_closed: 2,
  rejected: 3,
  no_answer: 4,
}

const REASONS: Readonly<Record<AssignmentReason, number>> = {
  override: 0,
  rule: 1,
  key: 2,
  random: 3,
}

function codeLabel(status: number): string {
  return status >= 100 && status <= 599 ? String(status) : 'other'
}
