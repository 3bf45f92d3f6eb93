import { isAlone } from '../domain/cohort.ts'
import type { Evidence, HypothesisEvidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { Slot } from '../metrics/cohort-slot.ts'
import type { UnitClaims } from '../metrics/unit-claims.ts'
import {
  LATE,
  lateEvent,
  type EventBooking,
  type FeedbackBooking,
} from '../metrics/feedback-booking.ts'
import { foldAssignments, foldInto } from '../rollout/fold-cohort.ts'
import { forgetChangedMargins } from '../rollout/forget-margins.ts'
import { opensCohorts } from '../rollout/opens-cohorts.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { emptyEvidence, emptyRatio, withNewHypotheses } from '../statistics/empty-evidence.ts'
import { MAX_UNITS } from '../store/limits.ts'
import type { RolloutRecord } from '../store/store.ts'
import { cohortNumberAt, lastNumberIn } from './cohort-number.ts'
import type { CycleBook } from './cycle-book.ts'
import { FOLDED_AT_ONCE, isDue, nextFold } from './is-due.ts'
import { KeptCohorts } from './kept-cohorts.ts'
import { learnFrom, withLearnt } from './learn-terms.ts'
import { PairCycle } from './pair-cycle.ts'
import { PendingChanges, type CohortChanges } from './pending-changes.ts'
import { SharedCohorts, type OtherReplicas, type TurningReplicas } from './shared-cohorts.ts'
import { SharedKeys } from './shared-keys.ts'
import { StartPoints } from './start-points.ts'
import { termsOf } from './terms-of.ts'
import { unitsOf } from './units-of.ts'

/**
 * The cohorts of one attempt from opening to evidence: one is open at a time, closed ones settle, and
 * each hypothesis folds them strictly in assignment order once its own window has passed.
 */
export class CohortCycle {
  readonly rollout: string
  #plan: RolloutPlan
  #book: CycleBook
  readonly #ledger: CohortLedger
  readonly #foldedThrough = new Map<string, number>()
  readonly #hasFolded = (of: Prediction) => (id: string) =>
    of.cohort <= this.#foldedThrough.get(id)!
  readonly #starts: StartPoints
  readonly #shared: SharedCohorts
  #evidence: Evidence
  #lastNumber: number
  /** The last cohort whose draws are in the evidence. */
  #countedThrough = -1
  readonly #pending = new PendingChanges()
  readonly #kept = new KeptCohorts(this.#pending)
  readonly #pairs: PairCycle

  constructor(
    plan: RolloutPlan,
    state: RolloutState,
    book: CycleBook,
    now: number,
    restored: Pick<RolloutRecord, 'evidence' | 'cohorts' | 'units'> | null,
    keys = new SharedKeys(plan.service),
  ) {
    this.#plan = plan
    this.#book = book
    this.rollout = rolloutId(state)
    this.#ledger = new CohortLedger(plan.hypotheses, plan.keyed, MAX_UNITS, keys.claims)
    keys.add(this.#ledger)
    this.#shared = new SharedCohorts(restored?.cohorts ?? [], keys)
    this.#lastNumber = cohortNumberAt(now)
    const known = restored?.evidence ?? emptyEvidence(this.rollout, [], this.#lastNumber)
    this.#evidence = withNewHypotheses(known, plan.hypotheses)
    for (const h of plan.hypotheses) {
      this.#foldedThrough.set(h.id, this.#evidence.hypotheses[h.id]!.foldedThrough)
    }
    if (restored !== null) {
      for (const batch of restored.units) this.#ledger.units.restore(batch)
      this.#ledger.restore(restored.cohorts.filter((c) => c.mirrored !== true))
      this.#countedThrough = restored.cohorts.at(-1)?.number ?? -1
      const numbers = [this.#countedThrough, lastNumberIn(this.#evidence)]
      this.#lastNumber = Math.max(this.#lastNumber, ...numbers)
    }
    this.#starts = new StartPoints(plan, now, restored?.evidence ? state.step : null)
    book.useLedger(this.#ledger, this.rollout)
    const stored = { evidence: this.#evidence, cohorts: restored?.cohorts ?? [] }
    this.#pairs = new PairCycle(plan, this.rollout, book, this.#pending, stored)
  }

  get evidence(): Evidence {
    return this.#evidence
  }

  /** Replaces the evidence by what limits or an operator have changed of it. */
  amend(evidence: Evidence): void {
    this.#evidence = evidence
  }

  /** Starts the sample-ratio test anew: an operator has looked at the mismatch. */
  resetRatio(): void {
    this.#evidence = { ...this.#evidence, ratio: emptyRatio(this.#evidence.ratio.foldedThrough) }
  }

  /** Goes on under a plan that asks the same questions, perhaps with other margins for events. */
  replan(plan: RolloutPlan, book: CycleBook): void {
    const { margins } = this.#plan.fingerprint
    this.#evidence = forgetChangedMargins(this.#evidence, margins, plan.fingerprint.margins)
    ;[this.#plan, this.#book] = [plan, book]
    book.useLedger(this.#ledger, this.rollout)
    this.#pairs.replan(plan, book)
  }

  /** Keys that others may have judged before. */
  get claims(): UnitClaims {
    return this.#ledger.claims
  }

  /** The number of the newest cohort. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  /**
   * Closes the open cohort (`byInterval`: since its interval has ended) and opens the next one, where there is
   * something for it to tell. Its number is above `after`: cycles that turn together give the same number to
   * cohorts of the same time. The `others` hear of it.
   */
  turn(
    state: RolloutState,
    now: number,
    judged: boolean,
    byInterval = false,
    after = 0,
    others: TurningReplicas | null = null,
  ): void {
    const number = Math.max(this.#lastNumber + 1, after + 1, cohortNumberAt(now))
    // What is learnt is frozen for the attempt; later cohorts are judged by it.
    for (const learnt of others?.learnt(this.#plan.service, this.rollout) ?? []) {
      this.#evidence = withLearnt(this.#evidence, learnt)
    }
    const pairTurn = { state, now, judged, number, others: others?.pairFigures(state) ?? [] }
    this.#evidence = this.#pairs.turn(this.#evidence, pairTurn)
    if (this.#pairs.current !== null) this.#lastNumber = number
    this.#ledger.close(now, byInterval)
    this.#open(state, now, judged, number)
    if (others === null) return
    const [plan, ledger, pairs] = [this.#plan, this.#ledger, this.#pairs]
    const areThere = this.#shared.admits(others.areThere(), plan)
    const all = { ledger, pairs, folded: this.#foldedThrough, lastNumber: this.#lastNumber }
    const news = this.#shared.publication(plan, this.rollout, all, areThere)
    if (news !== null) others.publish(news)
  }

  #open(state: RolloutState, now: number, judged: boolean, number: number): void {
    if (!opensCohorts(this.#plan, state)) return
    this.#evidence = learnFrom(this.#ledger, this.#evidence, this.#plan)
    this.#lastNumber = number
    const pi = state.weightBp / WHOLE_BP
    if (!isAlone({ pi }))
      this.#evidence = this.#starts.open(this.#evidence, state, this.#plan, number, now)
    this.#ledger.open({
      number,
      rollout: this.rollout,
      step: state.step,
      pi,
      epoch: this.#evidence.starts.length - 1,
      judged,
      now,
      terms: termsOf(this.#plan, this.#evidence, pi, this.#book),
    })
  }

  /** Settles and folds what is ready, of much of it a part. True when the evidence changed. */
  fold(state: RolloutState, now: number, monotonicNow: number): boolean {
    const before = this.#evidence
    this.#evidence = this.#pairs.fold(before, state, now, this.#shared)
    // Between two turns there is mostly nothing but the open cohort.
    const isFolded = this.#hasClosed && this.#foldDraws(now, monotonicNow)
    this.#shared.release()
    return isFolded || this.#evidence !== before
  }

  /** When `fold` may have something to do before the next turn; Infinity = not before that, -Infinity = at any moment. */
  get foldsAt(): number {
    if (this.#ledger.claims.isShared || this.#shared.areAny || !this.#pairs.isEmpty)
      return -Infinity
    return nextFold(this.#ledger, this.#plan, this.#foldedThrough, this.#countedThrough)
  }

  get #hasClosed(): boolean {
    return (this.#ledger.oldest?.cohort.closedAt ?? null) !== null
  }

  #foldDraws(now: number, monotonicNow: number): boolean {
    let changed = false
    this.#ledger.settleUntil(now, monotonicNow)
    for (const slot of this.#ledger.slotsAfter(this.#countedThrough)) {
      if (!slot.settled || !this.#shared.isWhole(slot.cohort)) break
      if (this.#count(slot, now)) changed = true
    }
    // One copy for all of them: of thousands of services, copies would be much of the work.
    const all = { ...this.#evidence.hypotheses }
    let isFolded = false
    for (const h of this.#plan.hypotheses) if (this.#foldHypothesis(h, all, now)) isFolded = true
    if (isFolded) this.#evidence = { ...this.#evidence, hypotheses: all }
    this.#kept.take(this.#ledger, this.#shared, this.#foldedThrough)
    return changed || isFolded
  }

  /** Reads the shares of others that the next `fold` needs, at the same `now`. Null: nobody else takes part. */
  gather(others: OtherReplicas, now: number, monotonicNow: number): Promise<void> | null {
    if (!this.#ledger.claims.isShared && !this.#shared.areAny) return null
    this.#ledger.settleUntil(now, monotonicNow)
    const folded = { counted: this.#countedThrough, byHypothesis: this.#foldedThrough }
    this.#pairs.settle(now)
    return this.#shared.gather(others, this.#plan, this.#ledger, this.#pairs, folded, now)
  }

  /** Books a label; see CohortLedger. Labels of other attempts are late. */
  label(prediction: Prediction, label: number): FeedbackBooking {
    if (prediction.rollout !== this.rollout) return LATE
    if (prediction.pair !== undefined) return this.#pairs.label(prediction, label)
    return this.#ledger.label(prediction, label, this.#hasFolded(prediction))
  }

  /** Books an event; see CohortLedger. Events of other attempts are late. */
  event(
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    counted = true,
  ): EventBooking {
    if (prediction.rollout !== this.rollout) return lateEvent(totals)
    return this.#ledger.event(prediction, totals, event, this.#hasFolded(prediction), counted)
  }

  /** What has to be stored; `stored()` forgets it once it is. */
  changes(): CohortChanges {
    const pending = this.#pending.read()
    // From now on, not from when they are stored: a label that comes between is stored right after.
    this.#ledger.persist(pending.put)
    const { put, drop, units, archive } = pending
    const { rollout, evidence } = this
    return { put, drop, units, archive, evidence, rollout, plan: this.#plan }
  }

  /** The changes were stored. */
  stored(changes: CohortChanges): void {
    this.#pending.stored(changes)
  }

  /** True where it is evidence. */
  #count(slot: Slot, now: number): boolean {
    const { cohort } = slot
    this.#shared.settle(cohort, now)
    slot.counted = true
    this.#countedThrough = cohort.number
    const shares = this.#shared.sharesOf(cohort)
    // Who was assigned nothing new may still have seen known keys fail.
    if (shares.length > 0) {
      slot.used = true
      this.#book.servedElsewhere(now)
    }
    if (!slot.used) return false
    const whole = this.#shared.whole(cohort)
    this.#evidence = foldAssignments(this.#evidence, whole)
    const others = shares.flatMap((s) => s.newUnits)
    for (const unit of others) this.#ledger.units.admit(unit)
    const newUnits = others.length === 0 ? slot.newUnits : [...slot.newUnits, ...others]
    const batch = unitsOf(whole, newUnits)
    if (this.#plan.keyed && batch !== null) this.#pending.addUnits(batch)
    return true
  }

  /** Replaces its evidence in `all`; true where any of its cohorts were folded. */
  #foldHypothesis(
    hypothesis: Hypothesis,
    all: Record<string, HypothesisEvidence>,
    now: number,
  ): boolean {
    const starts = this.#evidence.starts.length
    let changed = false
    const after = this.#foldedThrough.get(hypothesis.id)!
    let left = FOLDED_AT_ONCE
    for (const { cohort, used, counted } of this.#ledger.slotsAfter(after)) {
      // Strictly in assignment order: what is not ready blocks what comes after it.
      if (!counted || !isDue(cohort, hypothesis, now) || !this.#shared.isWhole(cohort)) break
      if (left-- === 0) break
      this.#foldedThrough.set(hypothesis.id, cohort.number)
      if (!used) continue
      const whole = this.#shared.whole(cohort)
      const { id } = hypothesis
      all[id] = foldInto(all[id]!, starts, hypothesis, whole, this.#ledger.units.harmSince)
      changed = true
    }
    return changed
  }
}
