import type { EventTally } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { Slot } from '../metrics/cohort-slot.ts'
import { LATE, type EventBooking, type FeedbackBooking } from '../metrics/feedback-booking.ts'
import { foldAssignments, foldHypothesis } from '../rollout/fold-cohort.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { publishTerms } from '../rollout/terms.ts'
import { isComparing } from '../rollout/transition.ts'
import { emptyEvidence, emptyRatio } from '../statistics/empty-evidence.ts'
import { isNewStart, planStarts } from '../statistics/start-mixture.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { CycleBook } from './cycle-book.ts'
import { learnBins } from './learn-bins.ts'
import { learnCaps } from './learn-caps.ts'
import { PairCycle } from './pair-cycle.ts'
import { PendingChanges, type CohortChanges } from './pending-changes.ts'

/** Keys that one attempt judges at most: 64 MiB of memory, and as much in the store. */
const MAX_UNITS = 2_000_000

/** Samples that a latency quantile is read from, at least: 4 / (1 − q). */
const QUANTILE_SAMPLES = 4

/** Answers are read after they have left: the last numbers of a settled cohort come within this. */
const READ_MS = 1000

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
  readonly #blockMs: number
  #evidence: Evidence
  #lastNumber: number
  #lastStartAt: number
  #openStep = -1
  /** The last cohort that was dropped or given to the store. */
  #keptThrough = -Infinity
  readonly #pending = new PendingChanges()
  readonly #pairs: PairCycle

  constructor(
    plan: RolloutPlan,
    state: RolloutState,
    book: CycleBook,
    now: number,
    restored: Pick<RolloutRecord, 'evidence' | 'cohorts' | 'units'> | null,
  ) {
    this.#plan = plan
    this.#book = book
    this.rollout = rolloutId(state)
    this.#ledger = new CohortLedger(plan.hypotheses, plan.keyed, MAX_UNITS)
    this.#lastNumber = timeNumber(now)
    this.#lastStartAt = now
    const { maxDurationMs, analysis } = plan.spec
    this.#blockMs = planStarts({
      maxDurationMs,
      cohortMs: analysis.intervalMs,
      phaseChanges: plan.steps.length,
    }).blockMs
    this.#evidence =
      restored?.evidence ?? emptyEvidence(this.rollout, plan.hypotheses, this.#lastNumber)
    for (const h of plan.hypotheses) {
      this.#foldedThrough.set(h.id, this.#evidence.hypotheses[h.id]!.foldedThrough)
    }
    if (restored !== null) {
      for (const batch of restored.units) this.#ledger.units.restore(batch)
      this.#ledger.restore(restored.cohorts.filter((c) => c.mirrored !== true))
      const numbers = restored.cohorts.map((c) => c.number)
      this.#lastNumber = Math.max(this.#lastNumber, ...numbers, ...this.#foldedThrough.values())
      // The step goes on where it was: a restart is no change of phase.
      if (restored.evidence !== null) this.#openStep = state.step
    }
    book.useLedger(this.#ledger, this.rollout)
    const known = { evidence: this.#evidence, cohorts: restored?.cohorts ?? [] }
    this.#pairs = new PairCycle(plan, this.rollout, book, this.#pending, known)
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
    const { ratio } = this.#evidence
    this.#evidence = { ...this.#evidence, ratio: emptyRatio(ratio.foldedThrough) }
  }

  /** Goes on under a plan that asks the same questions, perhaps with other margins for events. */
  replan(plan: RolloutPlan, book: CycleBook): void {
    for (const h of plan.hypotheses) {
      const before = this.#plan.hypotheses.find((other) => other.id === h.id)
      const found = this.#evidence.hypotheses[h.id]!
      if (JSON.stringify([before?.harm, before?.proof]) === JSON.stringify([h.harm, h.proof]))
        continue
      // What was the largest evidence under another margin says nothing under this one.
      const sup = { harm: 0, proof: 0, stepProof: 0 }
      this.#evidence = {
        ...this.#evidence,
        hypotheses: { ...this.#evidence.hypotheses, [h.id]: { ...found, sup } },
      }
    }
    this.#plan = plan
    this.#book = book
    book.useLedger(this.#ledger, this.rollout)
    this.#pairs.replan(plan, book)
  }

  /** The number of the newest cohort. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  /**
   * Closes the open cohort (`byInterval`: since its interval has ended) and, where both variants have a
   * share, opens the next one. Its number is above `after`: cycles that turn together give the same
   * number to cohorts of the same time.
   */
  turn(state: RolloutState, now: number, judged: boolean, byInterval = false, after = 0): void {
    const number = Math.max(this.#lastNumber + 1, after + 1, timeNumber(now))
    this.#evidence = this.#pairs.turn(this.#evidence, { state, now, judged, number })
    if (this.#pairs.isOpen) this.#lastNumber = number
    this.#ledger.close(now, byInterval)
    const compares = isComparing(state) || state.phase === 'paused'
    if (!compares || state.weightBp === 0 || state.weightBp === WHOLE_BP) return
    this.#evidence = learnCaps(this.#evidence, this.#plan.metrics, this.#ledger)
    this.#evidence = learnBins(this.#evidence, this.#plan.hypotheses, this.#ledger)
    this.#lastNumber = number
    this.#addStart(state, number, now)
    const pi = state.weightBp / WHOLE_BP
    this.#ledger.open({
      number,
      rollout: this.rollout,
      step: state.step,
      pi,
      epoch: this.#evidence.starts.length - 1,
      judged,
      now,
      terms: publishTerms(this.#plan.hypotheses, this.#evidence, pi, (q, segment) =>
        this.#baselineQuantile(q, segment),
      ),
    })
  }

  /** Settles and folds what is ready. True when the evidence changed. */
  fold(state: RolloutState, now: number, monotonicNow: number): boolean {
    const before = this.#evidence
    this.#evidence = this.#pairs.fold(before, state, now)
    let changed = this.#evidence !== before
    for (const slot of this.#ledger.settleUntil(now, monotonicNow)) {
      if (!slot.used) continue
      this.#evidence = foldAssignments(this.#evidence, slot.cohort)
      this.#keepUnits(slot)
      changed = true
    }
    for (const hypothesis of this.#plan.hypotheses) {
      if (this.#foldHypothesis(hypothesis, now)) changed = true
    }
    this.#persistOrDrop()
    return changed
  }

  /** Books a label; see CohortLedger. Labels of other attempts are late. */
  label(prediction: Prediction, label: number): FeedbackBooking {
    if (prediction.rollout !== this.rollout) return LATE
    return (prediction.pair === undefined ? this.#ledger : this.#pairs).label(prediction, label)
  }

  /** Books an event; see CohortLedger. Events of other attempts are late. */
  event(prediction: Prediction, totals: readonly number[], event: FeedbackEvent): EventBooking {
    if (prediction.rollout !== this.rollout) return { ...LATE, totals, metrics: 0 }
    return this.#ledger.event(
      prediction,
      totals,
      event,
      (id) => prediction.cohort <= this.#foldedThrough.get(id)!,
    )
  }

  /** What has to be stored; `stored()` forgets it once it is. */
  changes(): CohortChanges {
    const pending = this.#pending.read()
    // From now on, not from when they are stored: a label that comes between is stored right after.
    this.#ledger.persist(pending.put)
    return { ...pending, rollout: this.rollout, plan: this.#plan }
  }

  /** The changes were stored. */
  stored(changes: CohortChanges): void {
    this.#pending.stored(changes)
  }

  #foldHypothesis(hypothesis: Hypothesis, now: number): boolean {
    const windowMs = 'windowMs' in hypothesis.source ? hypothesis.source.windowMs : null
    const harmSince = (id: string, epoch: number, units: NonNullable<EventTally['harmUnits']>) =>
      this.#ledger.units.harmSince(id, epoch, units)
    let changed = false
    const after = this.#foldedThrough.get(hypothesis.id)!
    for (const { cohort, settled, used } of this.#ledger.slotsAfter(after)) {
      // Strictly in assignment order: what is not ready blocks what comes after it.
      if (!settled || now < cohort.closedAt! + (windowMs ?? 0)) break
      if (windowMs === 0 && now < cohort.settledAt! + READ_MS) break
      this.#foldedThrough.set(hypothesis.id, cohort.number)
      if (!used) continue
      this.#evidence = foldHypothesis(this.#evidence, hypothesis, cohort, harmSince)
      changed = true
    }
    return changed
  }

  #persistOrDrop(): void {
    const oldest = Math.min(...this.#foldedThrough.values())
    for (const slot of this.#ledger.slots()) {
      const { number } = slot.cohort
      if (!slot.settled || number > oldest) break
      this.#ledger.drop(number)
      if (slot.used) this.#pending.archive(slot.cohort)
      this.#pending.drop(number)
    }
    // With windows of hours thousands of cohorts wait: looked at are those that are new or have changed.
    for (const { used, cohort } of this.#ledger.takeStale()) {
      const isKept = cohort.number > oldest && cohort.number <= this.#keptThrough
      if (isKept && used) this.#pending.put(cohort)
    }
    for (const slot of this.#ledger.slotsAfter(this.#keptThrough)) {
      if (!slot.settled) break
      this.#keptThrough = slot.cohort.number
      if (slot.used && !slot.persisted) this.#pending.put(slot.cohort)
    }
  }

  #keepUnits({ cohort, newUnits }: Slot): void {
    if (!this.#plan.keyed) return
    const events: Record<string, number[]> = {}
    for (const [id, tally] of Object.entries(cohort.tallies)) {
      if (tally.kind !== 'event' || tally.harmUnits === null) continue
      const units = tally.harmUnits.flat()
      if (units.length > 0) events[id] = units
    }
    if (newUnits.length === 0 && Object.keys(events).length === 0) return
    this.#pending.addUnits({ cohort: cohort.number, epoch: cohort.epoch, seen: newUnits, events })
  }

  #addStart(state: RolloutState, number: number, now: number): void {
    const phaseChanged = state.step !== this.#openStep
    const isFirst = this.#openStep === -1
    this.#openStep = state.step
    const { starts } = this.#evidence
    if (isFirst) {
      this.#evidence = { ...this.#evidence, starts: [number], stepStart: 0 }
      this.#lastStartAt = now
      return
    }
    const isNew = isNewStart({
      starts: starts.length,
      phaseChanged,
      phaseChangesLeft: this.#plan.steps.length - 1 - state.step,
      sinceLastStartMs: now - this.#lastStartAt,
      blockMs: this.#blockMs,
    })
    if (isNew) {
      this.#evidence = { ...this.#evidence, starts: [...starts, number] }
      this.#lastStartAt = now
    }
    if (phaseChanged) {
      this.#evidence = { ...this.#evidence, stepStart: this.#evidence.starts.length - 1 }
    }
  }

  #baselineQuantile(q: number, segment: string | undefined): number | null {
    const drawn = this.#book.variants.get(BASELINE)!.drawnOf(segment)
    return drawn.count < QUANTILE_SAMPLES / (1 - q) ? null : drawn.quantile(q)
  }
}

// From the time, so that a restart never gives a number that a lost cohort had: labels of the lost
// one would be booked into the new one.
function timeNumber(now: number): number {
  return Math.floor(now / 100)
}
