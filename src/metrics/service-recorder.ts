import type { Assignment } from '../domain/assignment.ts'
import type { Clock } from '../domain/clock.ts'
import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { Service } from '../domain/service.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { bookQuestions } from './book-questions.ts'
import type { CohortLedger } from './cohort-ledger.ts'
import { ComparisonBooks, NO_PLACES } from './comparison-books.ts'
import { firstByteMs } from './first-byte.ts'
import { LabelCheck } from './label-check.ts'
import { buildMirrorBooks, type MirrorBook } from './mirror-book.ts'
import type { PairLedger, PairTicket } from './pair-ledger.ts'
import { predictionOf } from './prediction-of.ts'
import type {
  AttemptResult,
  FallbackResult,
  RequestNote,
  ServiceRecorder,
  Ticket,
} from './recorder.ts'
import { judgedEnd } from './request-code.ts'
import { RuleBook } from './rule-book.ts'
import { VariantBook } from './variant-book.ts'

/** Half-life of the latencies that quantiles are read from. */
const LATENCY_HALF_LIFE_MS = 600_000

/** The books of one service: the data plane writes, the evaluator and the scrape read. */
export class ServiceBook implements ServiceRecorder {
  readonly service: Service
  readonly variants: ReadonlyMap<string, VariantBook>
  /** By the variant that gets the copies. None of it is in `variants`. */
  readonly mirrors: ReadonlyMap<string, MirrorBook>
  readonly labels: LabelCheck
  readonly timesFirstBytes: boolean
  readonly notes: Map<RequestNote, number>
  /** Requests that the baseline answered in the canary's place, or could not. */
  readonly fallbacks: Record<FallbackResult, number>
  /** Requests since it was made; those drawn for a side, neither named by a rule nor overridden; those without their key. */
  readonly draws = { begun: 0, drawn: 0, unkeyed: 0 }
  readonly #rules: RuleBook | null
  readonly #clock: Clock
  readonly #remember: (prediction: Prediction, pair: PairTicket | null) => void
  #ledger: CohortLedger | null = null
  #rollout = ''
  /** Always a number: one that may be null is boxed anew, by V8, for every request. */
  #lastRequestAt = -Infinity
  readonly #comparisons = new ComparisonBooks()
  #fadedAt: number

  constructor(deps: {
    readonly service: Service
    readonly clock: Clock
    /** Takes a prediction to the store, with its copy's where it is one of a pair; must not block. */
    readonly remember: (prediction: Prediction, pair: PairTicket | null) => void
    /** Books of the same service before a reload: their counters are these books' too, and both may count on. */
    readonly previous: ServiceBook | null
  }) {
    this.service = deps.service
    this.#clock = deps.clock
    this.#remember = deps.remember
    this.#fadedAt = deps.clock.now()
    this.variants = new Map(
      deps.service.variants.map(({ name, version }) => {
        const before = deps.previous?.variants.get(name)
        return [name, before?.version === version ? before : new VariantBook(name, version)]
      }),
    )
    this.mirrors = buildMirrorBooks(deps.service, deps.previous?.mirrors ?? null)
    const hasRules = deps.service.split.rules.length > 0
    this.#rules = hasRules ? new RuleBook(deps.service, deps.previous?.rules ?? null) : null
    this.labels = new LabelCheck(deps.service, deps.previous?.labels ?? null)
    const questions = bookQuestions(deps.service)
    this.timesFirstBytes = questions.firstByte !== null
    for (const book of this.variants.values()) book.ask(questions)
    this.notes = deps.previous?.notes ?? new Map()
    this.fallbacks = deps.previous?.fallbacks ?? { ok: 0, failed: 0 }
    this.#lastRequestAt = deps.previous?.lastRequestAt ?? -Infinity
  }

  /** Epoch ms of the last request, here or elsewhere; null = none since the process began. */
  get lastRequestAt(): number | null {
    return this.#lastRequestAt === -Infinity ? null : this.#lastRequestAt
  }

  /** Null: the service has no rules. */
  get rules(): RuleBook | null {
    for (const book of this.variants.values()) book.post()
    return this.#rules
  }

  /** From now on draws are booked into this ledger; null = they are no evidence. */
  useLedger(ledger: CohortLedger | null, rollout: string): void {
    ;[this.#ledger, this.#rollout] = [ledger, rollout]
  }

  /** From now on draws for this challenger and the baseline are booked into this ledger too; null = no longer. */
  compare(challenger: string, ledger: CohortLedger | null, experiment: string): void {
    this.#comparisons.use(challenger, ledger)
    this.#rollout = experiment
  }

  /** From now on copies to the canary are booked into this ledger, where it takes them. */
  usePairs(ledger: PairLedger): void {
    const canary = this.mirrors.get(CANARY)
    if (canary !== undefined) canary.ledger = ledger
  }

  /** Another process on the store has served the service: it is not without traffic. */
  servedElsewhere(now: number): void {
    this.#lastRequestAt = now
    this.labels.pulse?.asked(now)
  }

  begin(
    assignment: Assignment,
    requestId: string,
    now = this.#clock.monotonic(),
    observed = true,
  ): Ticket {
    const { variant, reason, unit, rule = null, segment = null, numbers = null } = assignment
    const startedWall = this.#clock.now()
    this.#lastRequestAt = startedWall
    if (assignment.keyMissing) this.note('key_missing')
    if (assignment.coinUnreadable === true) this.note('coin_unreadable')
    if (assignment.overrideRefused) this.note('override_refused')
    if (assignment.suppressed) this.note('rule_suppressed')
    const side = reason === 'key' || reason === 'random' ? this.#sideOf(variant) : null
    this.draws.begun++
    if (side !== null) this.draws.drawn++
    if (assignment.keyMissing) this.draws.unkeyed++
    const judged =
      side === null ? null : (this.#ledger?.assign(side, unit, observed, segment, numbers) ?? null)
    const book = this.variants.get(variant)!
    const ticket: Ticket = {
      variant,
      book,
      reason,
      requestId,
      side,
      cohort: judged?.cohort ?? null,
      slot: judged?.slot ?? null,
      unit,
      first: judged?.first ?? false,
      claim: judged?.claim ?? null,
      segment,
      startedAt: now,
      startedWall,
      headAt: null,
      firstByteAt: null,
      stopped: false,
      ruled: reason === 'override' ? null : (this.#rules?.figuresOf(rule, variant) ?? null),
      compared: NO_PLACES,
      pair: null,
      place: -1,
      done: false,
    }
    if (judged !== null) this.#ledger!.track(ticket)
    ticket.claim?.whenKnown((first) => (ticket.first = first))
    if (side !== null && !this.#comparisons.isEmpty) {
      this.#comparisons.begin(ticket, observed, numbers)
    }
    book.inFlight++
    if (reason !== 'override') book.begun++
    return ticket
  }

  head(ticket: Ticket, now = this.#clock.monotonic()): void {
    ticket.headAt = now
    for (const { ticket: place } of ticket.compared) place.headAt = now
    ticket.book.head(now - ticket.startedAt)
  }

  firstByte(ticket: Ticket, now = this.#clock.monotonic()): void {
    if (ticket.done) return
    ticket.firstByteAt ??= now
    for (const { ticket: place } of ticket.compared) place.firstByteAt ??= now
  }

  end(
    ticket: Ticket,
    outcome: Outcome,
    status: number,
    upstreamMs: number | null,
    now = this.#clock.monotonic(),
    code: ErrorCode | null = null,
  ): void {
    if (ticket.done) return
    // A good answer without a body has come with its head.
    if (this.timesFirstBytes && outcome === 'ok') this.firstByte(ticket, ticket.headAt ?? now)
    ticket.done = true
    const durationMs = Math.max(now - ticket.startedAt, 0)
    const toFirst = this.timesFirstBytes ? firstByteMs(ticket, outcome, durationMs) : null
    ticket.book.inFlight--
    const at = this.#clock.now()
    const ending = { outcome, status, code, durationMs, firstByteMs: toFirst, upstreamMs, at }
    ticket.book.end(ticket, ending)
    const judged = judgedEnd(outcome, status, ticket.stopped)
    // The ledger that judged it may be another one by now: a cohort knows no later attempt.
    if (ticket.cohort !== null) this.#ledger?.settle(ticket, judged, durationMs)
    this.#comparisons.settle(ticket, judged, durationMs)
  }

  sessionBegan(variant: string): void {
    this.variants.get(variant)!.inFlight++
  }

  sessionEnded(variant: string): void {
    this.variants.get(variant)!.inFlight--
  }

  predicted(
    ticket: Ticket,
    value: number | null,
    numbers: Readonly<Record<string, number | null>> = {},
  ): void {
    if (ticket.claim?.isKnown === false) {
      ticket.claim.whenKnown(() => this.predicted(ticket, value, numbers))
      return
    }
    if (value !== null) {
      ticket.book.countPrediction(true)
      this.labels.pulse?.asked(this.#clock.now())
      this.#ledger?.predicted(ticket, value)
      this.#comparisons.predicted(ticket, value)
    }
    const { cohort, first } = ticket
    if (cohort !== null && first) this.#ledger?.answer(ticket, numbers)
    this.#comparisons.answer(ticket, numbers)
    const { prediction, awaitsEvents } = this.service.observe
    if (prediction === null && !awaitsEvents) return
    this.#remember(predictionOf(ticket, this.service.name, this.#rollout, value), ticket.pair)
  }

  /** A label has joined a request, evidence or not, too late or not. Names the metrics that cannot score it. */
  labelled(prediction: Prediction, label: number, late = false): readonly string[] {
    this.#rules?.label(prediction, label, this.#clock.now())
    return this.labels.check(prediction, label, late, this.#clock.now())
  }

  attempt(ticket: Ticket, variant: string, upstream: string, result: AttemptResult): void {
    const book = variant === ticket.variant ? ticket.book : this.variants.get(variant)!
    book.countAttempt(upstream, result)
  }

  fallback(result: FallbackResult): void {
    this.fallbacks[result]++
  }

  unreadable(ticket: Ticket): void {
    ticket.book.countPrediction(false)
    this.note('prediction_unreadable')
  }

  note(what: RequestNote): void {
    this.notes.set(what, (this.notes.get(what) ?? 0) + 1)
  }

  /** A step begins: the figures that absolute limits are judged on start anew. */
  beginStep(): void {
    for (const book of this.variants.values()) book.beginStep()
  }

  /** An attempt begins: what failed before must not trip its breaker. */
  beginAttempt(): void {
    for (const book of this.variants.values()) book.beginAttempt()
    // The baseline's latencies stay: its quantile is what the attempt begins with.
    this.variants.get(CANARY)?.fadeDrawn(0)
  }

  /** A rollout goes on after its baseline was sick: what failed meanwhile is over, on both sides. */
  forgetAttempts(): void {
    for (const book of this.variants.values()) book.forgetAttempts(this.#clock.now())
  }

  // In an experiment each challenger stands in the canary's place.
  #sideOf(variant: string): Side | null {
    if (variant === BASELINE) return BASELINE_SIDE
    return variant === CANARY || this.#comparisons.has(variant) ? CANARY_SIDE : null
  }

  /** Lets old latencies fade: half of their weight is gone after ten minutes. A step's failures fade sooner. */
  fade(now = this.#clock.now()): void {
    const passed = now - this.#fadedAt
    if (passed <= 0) return
    this.#fadedAt = now
    const factor = 0.5 ** (passed / LATENCY_HALF_LIFE_MS)
    for (const book of this.variants.values()) {
      book.fadeDrawn(factor)
      book.fadeStep(passed)
    }
    for (const { latencies } of this.mirrors.values()) latencies.scale(factor)
    this.rules?.fade(factor)
  }
}
