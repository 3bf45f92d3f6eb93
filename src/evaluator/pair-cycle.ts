import type { Cohort } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import { isLabelTest, type LabelTest } from '../domain/pairs.ts'
import type { Prediction } from '../domain/prediction.ts'
import { isLabelMetric } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { FeedbackBooking } from '../metrics/feedback-booking.ts'
import { PairLabels, type PairSlot } from '../metrics/pair-labels.ts'
import { PairLedger } from '../metrics/pair-ledger.ts'
import { foldPairLabels, foldPairs } from '../rollout/fold-pairs.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import { isEmptyPairTally } from '../rollout/pair-tally.ts'
import { publishPairTerms } from '../rollout/pair-terms.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { isCompared } from '../rollout/transition.ts'
import type { CycleBook } from './cycle-book.ts'
import type { PendingChanges } from './pending-changes.ts'

/** What an interval of a mirror step begins with. */
export type PairTurn = {
  readonly state: RolloutState
  readonly now: number
  /** It is not the warm-up. */
  readonly judged: boolean
  /** For its mirrored cohort: beyond those of all cohorts before. */
  readonly number: number
}

/**
 * The pairs of one attempt's mirror steps, from the copy that leaves to evidence. What the two answers say is
 * folded as it is known; what labels say of them waits in mirrored cohorts, which are stored as other cohorts
 * are, until the window of each test is over.
 */
export class PairCycle {
  readonly #ledger: PairLedger
  readonly #labels: PairLabels
  readonly #rollout: string
  readonly #pending: Pick<PendingChanges, 'put' | 'drop'>
  readonly #foldedThrough = new Map<string, number>()
  #plan: RolloutPlan
  #open: PairSlot | null = null

  /** `restored`: the cohorts that the store has, mirrored ones among them. */
  constructor(
    plan: RolloutPlan,
    rollout: string,
    book: Pick<CycleBook, 'usePairs'>,
    pending: Pick<PendingChanges, 'put' | 'drop'>,
    restored: { readonly cohorts: readonly Cohort[]; readonly evidence: Evidence },
  ) {
    this.#plan = plan
    this.#rollout = rollout
    this.#pending = pending
    this.#ledger = new PairLedger(plan.pairTests)
    this.#labels = new PairLabels(plan.pairTests.filter(isLabelTest))
    for (const cohort of restored.cohorts) {
      if (cohort.mirrored !== true) continue
      // It was open when its process died: no longer than an interval.
      cohort.closedAt ??= cohort.openedAt + plan.spec.analysis.intervalMs
      this.#labels.add(cohort, true)
    }
    for (const { id } of this.#labels.tests) this.#recall(id, restored.evidence)
    book.usePairs(this.#ledger)
  }

  /** Goes on under a plan that asks the same questions. */
  replan(plan: RolloutPlan, book: Pick<CycleBook, 'usePairs'>): void {
    this.#plan = plan
    book.usePairs(this.#ledger)
  }

  /** Copies are evidence now. */
  get isOpen(): boolean {
    return this.#open !== null
  }

  /** A new interval begins: copies are evidence in a mirror step after its warm-up. Gives what caps are learnt by now. */
  turn(evidence: Evidence, { state, now, judged, number }: PairTurn): Evidence {
    const { pairTests, steps } = this.#plan
    if (this.#open !== null) this.#open.cohort.closedAt = now
    this.#open = null
    if (!judged || !isCompared(state) || runningMirror(steps, state) === null) {
      this.#ledger.turn(null, now)
      return evidence
    }
    const learnt = this.#learnCaps(evidence)
    const terms = publishPairTerms(
      pairTests,
      learnt.caps,
      (id) => this.#labels.arrived(id),
      (q, of) => this.#ledger.baselineQuantile(q, of),
    )
    this.#ledger.turn({ number, step: state.step, terms }, now)
    this.#labels.add(
      {
        ...{ number, rollout: this.#rollout, step: state.step, pi: 0.5, epoch: 0, judged: true },
        ...{ openedAt: now, closedAt: null, mirrored: true, terms },
        ...{ assigned: [0, 0], observed: [0, 0], tallies: this.#labels.emptyTallies() },
      },
      false,
    )
    this.#open = this.#labels.get(number)!
    return learnt
  }

  /**
   * The evidence with what has settled; the same object where nothing has to be stored. Mirror evidence ends
   * with the last mirror step: what settles later is left out.
   */
  fold(evidence: Evidence, state: RolloutState, now: number): Evidence {
    const settled = this.#ledger.settle(now)
    if (runningMirror(this.#plan.steps, state) === null) {
      for (const slot of this.#labels.slots()) this.#drop(slot)
      return evidence
    }
    let folded = evidence
    if (this.#open !== null && !this.#open.persisted && this.#waits && this.#ledger.isUsed) {
      // From its first pair on: a label may come before the interval is over, and is acknowledged.
      this.#put(this.#open)
      folded = { ...evidence }
    }
    for (const cohort of settled) {
      const slot = this.#labels.get(cohort.number)
      if (slot !== undefined) this.#settle(slot, cohort.counts.pairs > 0)
      if (cohort.counts.pairs > 0) folded = foldPairs(folded, this.#plan.pairTests, cohort)
    }
    for (const test of this.#labels.tests) folded = this.#foldLabels(folded, test, now)
    const oldest = Math.min(...this.#foldedThrough.values())
    for (const slot of this.#labels.slots()) {
      if (!slot.settled || slot.cohort.number > oldest) break
      this.#drop(slot)
    }
    return folded
  }

  /** Some test waits for labels. */
  get #waits(): boolean {
    return this.#labels.tests.length > 0
  }

  /** Books the label of a pair; late when nothing waits for it any more. */
  label(prediction: Prediction, label: number): FeedbackBooking {
    return this.#labels.label(prediction, label)
  }

  /** Goes on where a test was: after the last cohort that was folded, and knowing what labels have said by now. */
  #recall(id: string, { pairs }: Evidence): void {
    const known = pairs?.series?.[id]
    const foldedThrough = known?.foldedThrough ?? -1
    this.#foldedThrough.set(id, foldedThrough)
    if (known !== undefined) this.#labels.recall(id, known.all)
    for (const { cohort } of this.#labels.slotsAfter(foldedThrough)) {
      const tally = cohort.tallies[id]
      if (tally !== undefined && tally.kind !== 'drift') this.#labels.recall(id, tally)
    }
  }

  #settle(slot: PairSlot, isUsed: boolean): void {
    slot.settled = true
    if (!isUsed || !this.#waits) return this.#drop(slot)
    // Once more where it was stored while it was open: it has its end now.
    this.#put(slot)
  }

  #put(slot: PairSlot): void {
    slot.persisted = true
    this.#pending.put(slot.cohort)
  }

  #foldLabels(evidence: Evidence, test: LabelTest, now: number): Evidence {
    let folded = evidence
    for (const { cohort, settled } of this.#labels.slotsAfter(this.#foldedThrough.get(test.id)!)) {
      // Strictly in order: what is not ready blocks what comes after it.
      if (!settled || now < cohort.closedAt! + test.asks.windowMs) break
      this.#foldedThrough.set(test.id, cohort.number)
      const { number, step } = cohort
      const tally = cohort.tallies[test.id]
      if (tally === undefined || tally.kind === 'drift' || isEmptyPairTally(tally)) continue
      folded = foldPairLabels(folded, test, { number, step, tally })
    }
    return folded
  }

  #drop({ cohort: { number }, persisted }: PairSlot): void {
    this.#labels.delete(number)
    this.#pending.drop(number, persisted)
  }

  #learnCaps(evidence: Evidence): Evidence {
    let { caps } = evidence
    for (const metric of this.#plan.metrics) {
      if (!isLabelMetric(metric) || metric.kind === 'accuracy' || metric.cap !== null) continue
      if (caps[metric.name] !== undefined) continue
      const cap = this.#labels.takeLearntCap(metric.name, metric.minLabels)
      if (cap !== null) caps = { ...caps, [metric.name]: cap }
    }
    return caps === evidence.caps ? evidence : { ...evidence, caps }
  }
}
