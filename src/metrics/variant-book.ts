import type { ErrorCode } from '../domain/errors.ts'
import type { Cause } from '../domain/faults.ts'
import { KEY_PLACES } from '../domain/key-places.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { PredictionCount } from '../domain/prediction.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { AttemptRates } from '../statistics/breaker.ts'
import { LogHistogram } from '../statistics/histogram.ts'
import { AttemptCounts, type AttemptSeries } from './attempt-counts.ts'
import type { AttemptWindow } from './attempt-window.ts'
import type { BookQuestions } from './book-questions.ts'
import type { DurationBuckets } from './duration-buckets.ts'
import type { AttemptResult, Ticket } from './recorder.ts'
import { attemptEndOf, requestCode } from './request-code.ts'
import { RequestJournal } from './request-journal.ts'
import type { StepFigures } from './step-figures.ts'
import { VariantFigures, type RequestSeries } from './variant-figures.ts'

/** What of a request that has ended is counted. */
type EndedTicket = Pick<Ticket, 'reason' | 'side' | 'unit' | 'segment' | 'ruled'>

/** How a request ended. */
export type Ending = {
  readonly outcome: Outcome
  readonly status: number
  /** Of the gateway's own answer; null = the upstream's. */
  readonly code: ErrorCode | null
  readonly durationMs: number
  /** See `firstByteMs`; null = nobody asks. */
  readonly firstByteMs: number | null
  /** Time that attempts at upstreams took; null = none was made. */
  readonly upstreamMs: number | null
  /** When, in epoch ms. */
  readonly at: number
}

/**
 * What one variant of one service has done, for scrapes and the evaluator. A request that has ended stands in
 * the journal first; whoever reads a figure reads it with all that was in the journal.
 */
export class VariantBook {
  readonly variant: string
  readonly version: string
  inFlight = 0
  /** Requests that have begun, overrides left out. */
  begun = 0
  /** Requests that ended other than well, as the breaker sees it, overrides left out. */
  badEnds = 0
  /** Failures since the attempt began, overrides left out. */
  faults = new Map<Cause, number>()
  /** The same of answers with a 4xx that is no failure, by status. */
  clientErrors = new Map<number, number>()
  #predictions = { looked: 0, unreadable: 0 }
  readonly #journal = new RequestJournal()
  readonly #figures = new VariantFigures()
  readonly #attemptCounts = new AttemptCounts()

  constructor(variant: string, version: string) {
    this.variant = variant
    this.version = version
  }

  /** The head of an answer came after so many ms. */
  head(ms: number): void {
    this.#journal.addHead(ms)
    if (this.#journal.isFull) this.post()
  }

  /** A request has ended. */
  end(ticket: EndedTicket, ending: Ending): void {
    const { reason, side, unit, segment, ruled } = ticket
    const { outcome, status, code, durationMs, firstByteMs, upstreamMs, at } = ending
    const end = attemptEndOf(outcome, status)
    if (end !== 'good' && reason !== 'override') {
      this.badEnds += 1
      if (end === 'failed') increment(this.faults, code ?? status)
      else if (end === 'client_error') increment(this.clientErrors, status)
    }
    this.#journal.add({
      code: requestCode({ outcome, status, reason }),
      durationMs,
      firstByteMs,
      overheadMs: upstreamMs === null ? null : Math.max(durationMs - upstreamMs, 0),
      at,
      isDrawn: side !== null,
      keyPlace: unit === null ? null : unit % KEY_PLACES,
      segment,
      ruled,
    })
    if (this.#journal.isFull) this.post()
  }

  /** A prediction was looked for in an answer. */
  countPrediction(isReadable: boolean): void {
    this.#predictions.looked++
    if (!isReadable) this.#predictions.unreadable++
  }

  /** Counts one attempt at an upstream. */
  countAttempt(upstream: string, result: AttemptResult): void {
    this.#attemptCounts.add(upstream, result)
  }

  /** Counts what stands in the journal; it is done by all that reads or changes a figure. */
  post(): void {
    this.#figures.attempts.begun = this.begun
    this.#journal.post(this.#figures)
  }

  get requests(): number {
    return this.#posted.requests
  }

  /** Requests that failed or had no answer. */
  get errors(): number {
    return this.#posted.errors
  }

  /** Requests that the variant's door turned away. */
  get rejected(): number {
    return this.#posted.rejected
  }

  /** Requests whose client left before an answer. */
  get left(): number {
    return this.#posted.left
  }

  get durations(): DurationBuckets {
    return this.#posted.durations
  }

  get firstBytes(): DurationBuckets {
    return this.#posted.firstBytes
  }

  /** Time without an attempt under way. */
  get overheads(): DurationBuckets {
    return this.#posted.overheads
  }

  /** Breaker and health read it: overrides stay out. */
  get attempts(): AttemptWindow {
    return this.#posted.attempts
  }

  /** Latencies of drawn requests, fading with time. */
  get drawn(): LogHistogram {
    return this.#posted.drawn.all
  }

  /** Since the current step began, overrides left out. */
  get step(): StepFigures {
    return this.#posted.step
  }

  /** The same of drawn requests alone. */
  get drawnInStep(): StepFigures {
    return this.#posted.drawnInStep
  }

  /** Shares in the last step that had at least some traffic, see VariantFigures; null = never had any. */
  get lastStep(): AttemptRates | null {
    return this.#figures.lastStep
  }

  /** Predictions of the attempt, on this process. */
  get predictions(): PredictionCount {
    return this.#predictions
  }

  requestSeries(): Iterable<RequestSeries> {
    return this.#posted.series.values()
  }

  attemptSeries(): Iterable<AttemptSeries> {
    return this.#attemptCounts.series()
  }

  /** What is asked from now on, see VariantFigures. */
  ask(questions: BookQuestions): void {
    this.#posted.ask(questions)
  }

  /** Latencies of all drawn requests, or of a segment's; empty where those are not kept. */
  drawnOf({ until }: Pick<LatencyQuantile, 'until'>, segment: string | undefined): LogHistogram {
    const { drawn, drawnFirstBytes } = this.#posted
    const times = until === undefined ? drawn : drawnFirstBytes
    return times?.of(segment) ?? new LogHistogram()
  }

  /** Multiplies the weight of drawn latencies; 0 forgets them. */
  fadeDrawn(factor: number): void {
    this.#posted.fadeDrawn(factor)
  }

  /** Lets the step's old failures weigh less, so long after the last time; see StepFigures. */
  fadeStep(passedMs: number): void {
    this.#posted.fadeStep(passedMs)
  }

  /** A step begins: its figures start anew. */
  beginStep(): void {
    this.#posted.beginStep()
  }

  /** Breaker and health look at nothing from before `now`, see VariantFigures. */
  forgetAttempts(now: number): void {
    this.#posted.forgetAttempts(now)
  }

  /** An attempt begins: the breaker looks at nothing from before it, and failures are counted anew. */
  beginAttempt(): void {
    this.#posted.forgetAttempts(null)
    this.faults = new Map()
    this.clientErrors = new Map()
    this.#predictions = { looked: 0, unreadable: 0 }
  }

  get #posted(): VariantFigures {
    this.post()
    return this.#figures
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
