import type { Outcome } from '../domain/outcome.ts'
import { ratesOf, type AttemptRates } from '../statistics/breaker.ts'
import { latencyBucket } from '../statistics/histogram.ts'
import { AttemptWindow } from './attempt-window.ts'
import { NO_QUESTIONS, type BookQuestions } from './book-questions.ts'
import { DrawnTimes } from './drawn-times.ts'
import { DurationBuckets } from './duration-buckets.ts'
import { attemptEndOf, readRequestCode, type RequestEnd } from './request-code.ts'
import type { Accounts, JournalEntry } from './request-journal.ts'
import { StepFigures } from './step-figures.ts'

/** How things stand is read from so many of the last attempts, and from those of so many ms at least. */
const STANDING = [20, 10_000] as const

/** What the finished requests of one variant came to: many counters, each in a place of its own. */
export class VariantFigures implements Accounts {
  requests = 0
  /** Requests that failed or had no answer. */
  errors = 0
  /** Requests that the variant's door turned away: its queue was full, or they waited there too long. */
  rejected = 0
  /** Requests whose client left before an answer. */
  left = 0
  readonly durations = new DurationBuckets()
  readonly firstBytes = new DurationBuckets()
  /** Time without an attempt under way: total minus that of all attempts. */
  readonly overheads = new DurationBuckets()
  /** Breaker and health read it: overrides stay out. */
  attempts = new AttemptWindow()
  /** Latencies of drawn requests, fading with time: the baseline's quantile, and what people are shown. */
  readonly drawn = new DrawnTimes()
  /** The same until the first byte of the body; null = no metric asks. */
  drawnFirstBytes: DrawnTimes | null = null
  /** Since the current step began, overrides left out: what absolute limits are judged on. */
  step = new StepFigures()
  /** The same of drawn requests alone, rules left out too: what may be compared with the other variant's. */
  drawnInStep = new StepFigures()
  /** Shares in the last step that had at least some traffic, or where attempts were forgotten since; null = never had any. */
  lastStep: AttemptRates | null = null
  /** By `requestCode`. */
  readonly series = new Map<number, RequestSeries>()
  #questions = NO_QUESTIONS

  addHead(ms: number): void {
    this.firstBytes.add(ms)
  }

  add(entry: JournalEntry): void {
    const { code, durationMs, firstByteMs, overheadMs, at, isDrawn, keyPlace, segment, ruled } =
      entry
    const { outcome, reason, status } = this.#count(code)
    const end = attemptEndOf(outcome, status)
    const failed = end === 'failed'
    this.requests++
    if (failed) this.errors++
    else if (outcome === 'rejected') this.rejected++
    else if (end === 'left') this.left++
    this.durations.add(durationMs)
    if (overheadMs !== null) this.overheads.add(overheadMs)
    const bucket = isTimed(outcome) ? latencyBucket(durationMs) : null
    const firstByte = firstByteMs === null || bucket === null ? null : latencyBucket(firstByteMs)
    if (reason !== 'override') {
      ruled?.end(failed, durationMs, bucket)
      this.attempts.add(at, end, keyPlace)
      this.step.add(end, bucket, firstByte, keyPlace)
      if (isDrawn) this.drawnInStep.add(end, bucket, firstByte)
    }
    if (!isDrawn || bucket === null) return
    this.drawn.add(bucket, segment)
    if (firstByte !== null) this.drawnFirstBytes?.add(firstByte, segment)
  }

  /**
   * Keeps what is asked from now on, and nothing else; what is known stays. By place of keys it is kept from the next step on.
   */
  ask(questions: BookQuestions): void {
    this.#questions = questions
    const { lastByte, firstByte } = questions
    this.drawn.watch(lastByte.segments)
    if (firstByte === null) this.drawnFirstBytes = null
    else (this.drawnFirstBytes ??= new DrawnTimes()).watch(firstByte.segments)
    if (this.step.requests === 0) this.step = this.#newStep()
    this.step.timeFirstBytes(firstByte?.limitsMs ?? null)
    this.drawnInStep.timeFirstBytes(firstByte === null ? null : [])
  }

  /** Multiplies the weight of drawn latencies; 0 forgets them. */
  fadeDrawn(factor: number): void {
    this.drawn.fade(factor)
    this.drawnFirstBytes?.fade(factor)
  }

  /** Lets the step's old failures weigh less, so long after the last time. */
  fadeStep(passedMs: number): void {
    this.step.fade(passedMs)
  }

  /** A step begins: its figures start anew. */
  beginStep(): void {
    const { requests: attempts, failures, clientErrors, left } = this.step
    if (attempts > 0) this.lastStep = ratesOf({ attempts, failures, clientErrors, left })
    this.step = this.#newStep()
    this.drawnInStep = new StepFigures()
    this.drawnInStep.timeFirstBytes(this.drawnFirstBytes === null ? null : [])
  }

  /**
   * Breaker and health look at nothing from before `now`, but for how things stood: that is what a side goes by that has
   * hardly had a request since. Null: for nothing at all.
   */
  forgetAttempts(now: number | null): void {
    const stood = now === null ? null : this.attempts.covering(now, ...STANDING)
    if (stood !== null && stood.attempts > 0) this.lastStep = ratesOf(stood)
    this.attempts = new AttemptWindow()
  }

  #newStep(): StepFigures {
    const { failuresByKey, lastByte, firstByte } = this.#questions
    const step = new StepFigures(failuresByKey, lastByte.limitsMs)
    step.timeFirstBytes(firstByte?.limitsMs ?? null)
    return step
  }

  #count(code: number): RequestSeries {
    let series = this.series.get(code)
    if (series === undefined) this.series.set(code, (series = newSeries(code)))
    series.count++
    return series
  }
}

/** One time series of `serin_requests_total`, of requests that were and ended alike. */
export type RequestSeries = RequestEnd & {
  /** The status as the series is labelled. */
  readonly code: string
  count: number
}

function newSeries(requestCode: number): RequestSeries {
  const { outcome, status, reason } = readRequestCode(requestCode)
  return { outcome, status, reason, code: statusLabel(status), count: 0 }
}

/** A status as series are labelled: one of HTTP, or `other`. */
export function statusLabel(status: number): string {
  return status >= 100 && status <= 599 ? String(status) : 'other'
}

/** How fast a failure came, or a refusal at the door, says nothing of how fast the variant answers. */
function isTimed(outcome: Outcome): boolean {
  return outcome !== 'failed' && outcome !== 'rejected'
}
