import type { Cohort, Side } from '../domain/cohort.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { SETTLE_MS, type JudgedOutcome } from '../domain/outcome.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import type { CohortOpening } from '../domain/replica.ts'
import { AnswerBook } from './answer-book.ts'
import { CapLearner } from './cap-learner.ts'
import { CohortShelf } from './cohort-shelf.ts'
import { newSlot, type Place, type Slot } from './cohort-slot.ts'
import { countUnit } from './count-unit.ts'
import { DriftBook } from './drift-book.ts'
import { emptyCohort, type Opening } from './empty-cohort.ts'
import { EventBook } from './event-book.ts'
import { LATE, lateEvent, type EventBooking, type FeedbackBooking } from './feedback-booking.ts'
import { LabelBook } from './label-book.ts'
import { OutcomeBook } from './outcome-book.ts'
import type { Ticket } from './recorder.ts'
import { UnitClaims, type UnitClaim } from './unit-claims.ts'
import { UnitIndex } from './unit-index.ts'

/**
 * The cohorts of one rollout attempt: requests are booked into the cohort that was open when they were
 * assigned, whenever their outcome or label arrives. Booking is O(hypotheses).
 */
export class CohortLedger {
  readonly units: UnitIndex
  readonly claims: UnitClaims
  readonly #empty: (opening: CohortOpening) => Cohort
  readonly #outcomes: OutcomeBook
  readonly #drift: DriftBook | null
  readonly #labels: LabelBook
  readonly #answers: AnswerBook
  readonly #events: EventBook
  /** Hypotheses whose tallies feedback changes. */
  readonly #waiting: readonly string[]
  readonly #slots = new CohortShelf<Slot>()
  readonly #capLearner = new CapLearner()
  #open: Slot | null = null
  #settledThrough = -Infinity
  readonly #stale = new Set<Slot>()

  /** `claims`: those of several ledgers where they judge keys together. */
  constructor(
    hypotheses: readonly Hypothesis[],
    keyed: boolean,
    maxUnits: number,
    claims = new UnitClaims(),
  ) {
    this.units = new UnitIndex(maxUnits)
    this.claims = claims
    this.#outcomes = new OutcomeBook(hypotheses)
    const { segments } = this.#outcomes
    this.#empty = (opening) => emptyCohort(opening, { hypotheses, keyed, segments })
    this.#drift = DriftBook.of(hypotheses)
    this.#labels = new LabelBook(hypotheses, this.#capLearner)
    this.#answers = new AnswerBook(hypotheses, this.#capLearner)
    this.#events = new EventBook(hypotheses, this.#capLearner)
    this.#waiting = hypotheses
      .filter((h) => 'windowMs' in h.source && h.source.of !== 'drift')
      .map((h) => h.id)
  }

  /** The cohort that takes assignments now; null while nothing is compared. */
  get current(): Cohort | null {
    return this.#open?.cohort ?? null
  }

  /** The oldest cohort that some hypothesis has not folded; undefined = there is none. */
  get oldest(): Slot | undefined {
    return this.#slots.oldest
  }

  /** All cohorts that some hypothesis has not folded, in assignment order. */
  slots(): Iterable<Slot> {
    return this.#slots.values()
  }

  /** Those of them after a number; none may be dropped meanwhile. */
  slotsAfter(number: number): Iterable<Slot> {
    return this.#slots.after(number)
  }

  /** Closes the open cohort and opens the next one. */
  open(opening: Opening): Cohort {
    const { number, rollout, step, pi, epoch, judged, terms, now } = opening
    this.close(now)
    this.#capLearner.learnt(terms.caps)
    const cohort = this.#empty({ number, rollout, step, pi, epoch, judged, terms, openedAt: now })
    this.#open = newSlot(this, cohort, false)
    this.#slots.add(this.#open)
    return cohort
  }

  /** Adds a cohort that takes no assignments here, but feedback of requests that others took; beyond all others. */
  addForFeedback(opening: CohortOpening): void {
    const { openedAt } = opening
    this.#slots.add(newSlot(this, { ...this.#empty(opening), closedAt: openedAt }, true))
  }

  /**
   * Closes the open cohort: later assignments are no evidence until another one opens. `byInterval`: its
   * interval has ended.
   */
  close(now: number, byInterval = false): void {
    if (this.#open === null) return
    const { cohort } = this.#open
    cohort.closedAt = now
    if (byInterval) cohort.closedByInterval = true
    this.#open = null
  }

  /**
   * Books a draw into the open cohort; null when it is no evidence (nothing open, or warm-up).
   * `observed`: its prediction will be looked at. `claim`: what another ledger has made for this draw's key.
   */
  assign(
    side: Side,
    unit: number | null,
    observed: boolean,
    segment: string | null = null,
    numbers: ReadonlyMap<string, number> | null = null,
    claim: UnitClaim | null = null,
  ): Place | null {
    if (this.#open === null || !this.#open.cohort.judged) return null
    const slot = this.#open
    if (unit !== null && this.claims.isShared && !this.units.knows(unit)) {
      return this.#claim(slot, unit, claim, () =>
        this.#count(slot, side, unit, observed, segment, numbers),
      )
    }
    const first = unit === null || this.units.claim(unit)
    if (first === null) return null
    if (first) this.#count(slot, side, unit, observed, segment, numbers)
    slot.used = true
    return { cohort: slot.cohort, slot, first, claim: null }
  }

  /** The ticket of that draw is under way. */
  track(ticket: Ticket): void {
    if (ticket.slot!.holder === this) ticket.slot!.live.add(ticket)
  }

  /** Books a tracked ticket's outcome; ignored when its cohort has settled without it. */
  settle(ticket: Ticket, outcome: JudgedOutcome, durationMs: number): void {
    const slot = ticket.slot!
    if (slot.holder !== this || !slot.live.remove(ticket)) return
    if (ticket.claim === null) this.#outcomes.book(slot, ticket, outcome, durationMs)
    else ticket.claim.whenKnown(() => this.#outcomes.book(slot, ticket, outcome, durationMs))
  }

  /** Books the numbers of a ticket's answer, by pointer; ignored when nothing waits for them any more. */
  answer(ticket: Ticket, numbers: Readonly<Record<string, number | null>>): void {
    const slot = ticket.slot!
    // It may be of another attempt's ledger, or of another replica's time to decide.
    if (slot.holder !== this) return
    if (this.#answers.book(slot.cohort, ticket.side!, ticket.segment, numbers)) this.#spoil(slot)
  }

  /**
   * Books a label. `late`: all that ask for it have folded its cohort without it. What it changed comes back when
   * the store has the cohort already, since that must then be stored with the join.
   */
  label(prediction: Prediction, label: number, isFolded = (_id: string) => false): FeedbackBooking {
    const slot = this.#slots.get(prediction.cohort)
    if (!slot || !this.#labels.book(slot.cohort, prediction, label, isFolded)) return LATE
    return { result: 'joined', changed: this.#changed(slot) }
  }

  /** Books an event of the unit that a request is judged by; as `label`. See EventBook for `counted`. */
  event(
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    isFolded: (hypothesis: string) => boolean,
    counted = true,
  ): EventBooking {
    const slot = this.#slots.get(prediction.cohort)
    if (slot === undefined) return lateEvent(totals)
    const place = { cohort: slot.cohort, request: prediction, totals, isFolded }
    const booked = this.#events.book(place, event, counted)
    return { ...booked, changed: booked.result === 'late' ? null : this.#changed(slot) }
  }

  /** Counts the prediction of a judged request that is its unit's first, for drift. */
  predicted({ slot, side, segment, first }: Ticket, value: number): void {
    if (this.#drift === null || slot === null || slot.holder !== this || !first) return
    this.#drift.addPrediction(slot.cohort, side!, segment, value)
    this.#spoil(slot)
  }

  /** Edges of a drift hypothesis that the baseline's first values have taught, once; null = not yet. */
  takeLearntEdges(hypothesis: string): readonly number[] | null {
    return this.#drift!.takeLearntEdges(hypothesis)
  }

  /** Marks cohorts as settled: all outcomes known, or the settle time passed. Strictly in order. */
  settleUntil(now: number, monotonicNow: number): readonly Slot[] {
    const settled: Slot[] = []
    for (const slot of this.#slots.after(this.#settledThrough)) {
      const { closedAt } = slot.cohort
      if (closedAt === null) break
      if (slot.settled) continue
      if (slot.live.size + (slot.claims?.size ?? 0) > 0) {
        if (now - closedAt < SETTLE_MS) break
        for (const claim of slot.claims ?? []) claim.settle(false)
        for (const ticket of slot.live.empty()) {
          const outcome = ticket.headAt === null ? 'unsettled' : 'ok'
          this.#outcomes.book(slot, ticket, outcome, monotonicNow - ticket.startedAt)
        }
      }
      slot.settled = true
      slot.cohort.settledAt = now
      settled.push(slot)
      this.#settledThrough = slot.cohort.number
    }
    return settled
  }

  /** The store is about to have these cohorts as they are now. */
  persist(cohorts: readonly Cohort[]): void {
    for (const { number } of cohorts) {
      const slot = this.#slots.get(number)
      if (slot !== undefined) slot.persisted = true
    }
  }

  /** Cohorts in which something beside feedback has changed since it was asked last. */
  takeStale(): readonly Slot[] {
    const stale = [...this.#stale]
    for (const slot of stale) slot.stale = false
    this.#stale.clear()
    return stale
  }

  /** Forgets a cohort that every hypothesis has folded. */
  drop(number: number): void {
    const slot = this.#slots.get(number)
    if (slot === undefined) return
    slot.holder = null
    this.#slots.delete(number)
  }

  /** Takes back settled cohorts from the store, in order. */
  restore(cohorts: readonly Cohort[]): void {
    for (const cohort of cohorts) {
      this.#slots.add(newSlot(this, cohort, true))
      this.#settledThrough = cohort.number
    }
  }

  /** The cap that the baseline's first labels of a metric have taught, once; null = not enough of them yet. */
  takeLearntCap(metric: string, minLabels: number): number | null {
    return this.#capLearner.take(metric, minLabels)
  }

  #spoil(slot: Slot): void {
    slot.stale = true
    this.#stale.add(slot)
  }

  #changed({ cohort, persisted }: Slot): FeedbackBooking['changed'] {
    if (!persisted) return null
    const tallies = Object.fromEntries(this.#waiting.map((id) => [id, cohort.tallies[id]!]))
    return { rollout: cohort.rollout, cohort: cohort.number, tallies }
  }

  #count(
    { cohort, newUnits }: Slot,
    side: Side,
    unit: number | null,
    observed: boolean,
    segment: string | null,
    numbers: ReadonlyMap<string, number> | null,
  ): void {
    countUnit(cohort, side, segment, observed)
    if (unit !== null) newUnits.push(unit)
    if (numbers !== null) this.#drift?.addNumbers(cohort, side, segment, numbers)
  }

  /** A key that somebody else may have judged: `count` it once it is known that nobody has. */
  #claim(slot: Slot, unit: number, given: UnitClaim | null, count: () => void): Place | null {
    const { cohort } = slot
    if (given === null && this.claims.has(unit)) return { cohort, slot, first: false, claim: null }
    const claim = given ?? this.claims.begin(unit)
    if (claim === null) return null
    slot.used = true
    const claims = (slot.claims ??= new Set())
    claims.add(claim)
    claim.whenKnown((first) => {
      claims.delete(claim)
      this.units.admit(unit)
      if (first) count()
    })
    return { cohort, slot, first: false, claim }
  }
}
