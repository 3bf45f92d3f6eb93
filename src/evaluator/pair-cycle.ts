import type { Cohort } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import { isLabelTest, type LabelTest, type PairMoments } from '../domain/pairs.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { PairFigures } from '../domain/replica.ts'
import { asksFirstBytes } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { FeedbackBooking } from '../metrics/feedback-booking.ts'
import { PairLabels, type PairSlot } from '../metrics/pair-labels.ts'
import { PairLedger, type SettledPairs } from '../metrics/pair-ledger.ts'
import { foldPairLabels, foldPairs } from '../rollout/fold-pairs.ts'
import { mergePairs, mergePairTally } from '../rollout/merge-pairs.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import { addPairMoments, isEmptyPairTally } from '../rollout/pair-tally.ts'
import { publishPairTerms } from '../rollout/pair-terms.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { isCompared } from '../rollout/transition.ts'
import type { CycleBook } from './cycle-book.ts'
import { takePairCaps, withLearnt } from './learn-terms.ts'
import type { PendingChanges } from './pending-changes.ts'
import type { SharedCohorts } from './shared-cohorts.ts'

/** What others have added to the cohorts that are to be folded. */
type Shares = Pick<SharedCohorts, 'isWhole' | 'settle' | 'sharesOf'>

type Book = Pick<CycleBook, 'usePairs' | 'servedElsewhere'>

/** What an interval of a mirror step begins with. */
export type PairTurn = {
  readonly state: RolloutState
  readonly now: number
  /** It is not the warm-up. */
  readonly judged: boolean
  /** For its mirrored cohort: beyond those of all cohorts before. */
  readonly number: number
  /** What the pairs of others have come to. */
  readonly others: readonly PairFigures[]
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
  /** Intervals whose own pairs are all known; they may wait for those of others. */
  #known: SettledPairs[] = []
  #book: Book
  #plan: RolloutPlan
  #open: PairSlot | null = null

  /** `restored`: the cohorts that the store has, mirrored ones among them. */
  constructor(
    plan: RolloutPlan,
    rollout: string,
    book: Book,
    pending: Pick<PendingChanges, 'put' | 'drop'>,
    restored: { readonly cohorts: readonly Cohort[]; readonly evidence: Evidence },
  ) {
    this.#plan = plan
    this.#book = book
    this.#rollout = rollout
    this.#pending = pending
    this.#ledger = new PairLedger(plan.pairTests, asksFirstBytes(plan.metrics))
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
  replan(plan: RolloutPlan, book: Book): void {
    this.#plan = plan
    this.#book = book
    book.usePairs(this.#ledger)
  }

  /** The cohort that copies are booked into now; null = they are no evidence. */
  get current(): Cohort | null {
    return this.#open?.cohort ?? null
  }

  /** All cohorts that some test has not folded, in order. */
  slots(): Iterable<PairSlot> {
    return this.#labels.slots()
  }

  /** Those whose own pairs are all known, in order, until they are folded. */
  *known(): Generator<Cohort, undefined> {
    for (const { number } of this.#known) {
      const slot = this.#labels.get(number)
      if (slot !== undefined) yield slot.cohort
    }
  }

  /** Folded ones whose labels are to be folded `now`. */
  *due(now: number): Generator<Cohort, undefined> {
    for (const test of this.#labels.tests) {
      for (const slot of this.#labels.slotsAfter(this.#foldedThrough.get(test.id)!)) {
        if (!isDue(slot, test, now)) break
        yield slot.cohort
      }
    }
  }

  /** A new interval begins: copies are evidence in a mirror step after its warm-up. Gives what caps are learnt by now. */
  turn(evidence: Evidence, { state, now, judged, number, others }: PairTurn): Evidence {
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
      (id) => this.#arrived(id, others),
      (asked, of) => this.#ledger.baselineQuantile(asked, of, others),
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

  /** Pairs that are known by now are ready to be folded, once those of others are. */
  settle(now: number): void {
    this.#known.push(...this.#ledger.settle(now))
  }

  /**
   * The evidence with what has settled, here and at the others; the same object where nothing has to be stored.
   * Mirror evidence ends with the last mirror step: what settles later is left out.
   */
  fold(evidence: Evidence, state: RolloutState, now: number, shares: Shares): Evidence {
    if (this.isEmpty) return evidence
    this.settle(now)
    if (runningMirror(this.#plan.steps, state) === null) {
      for (const slot of this.#labels.slots()) this.#drop(slot)
      this.#known = []
      return evidence
    }
    let folded = this.#putUnsaid() ? { ...evidence } : evidence
    while (this.#known.length > 0) {
      const slot = this.#labels.get(this.#known[0]!.number)
      if (slot !== undefined && !shares.isWhole(slot.cohort)) break
      folded = this.#count(folded, this.#known.shift()!, slot, now, shares)
    }
    for (const test of this.#labels.tests) folded = this.#foldLabels(folded, test, now, shares)
    const oldest = Math.min(...this.#foldedThrough.values())
    for (const slot of this.#labels.slots()) {
      if (!slot.settled || slot.cohort.number > oldest) break
      this.#drop(slot)
    }
    return folded
  }

  /** As it is in every rollout that mirrors nothing. */
  get isEmpty(): boolean {
    return this.#ledger.isEmpty && this.#labels.isEmpty && this.#known.length === 0
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

  /**
   * What labels have said of a test, here and at the others. What was folded before the lease changed hands may be in
   * it twice: bets are sized by it, and it is no evidence.
   */
  #arrived(id: string, others: readonly PairFigures[]): PairMoments | null {
    return others.reduce<PairMoments | null>((all, { labels }) => {
      const more = labels[id]
      if (more === undefined) return all
      return all === null ? more : addPairMoments(all, more)
    }, this.#labels.arrived(id))
  }

  /** Puts cohorts that labels have come for, or may: these are acknowledged before the interval is over. True where any. */
  #putUnsaid(): boolean {
    const unsaid = new Set(this.#labels.takeUnsaid())
    const isUsed = this.#ledger.isUsed && this.#waits
    if (this.#open !== null && !this.#open.persisted && isUsed) unsaid.add(this.#open)
    for (const slot of unsaid) this.#put(slot)
    return unsaid.size > 0
  }

  /** Folds an interval whose pairs are all known, with those of others. */
  #count(
    evidence: Evidence,
    own: SettledPairs,
    slot: PairSlot | undefined,
    now: number,
    shares: Shares,
  ): Evidence {
    const others = slot === undefined ? [] : shares.sharesOf(slot.cohort)
    const whole = mergePairs(own, others)
    if (others.length > 0) this.#book.servedElsewhere(now)
    if (slot !== undefined) {
      shares.settle(slot.cohort, now)
      // Labels may come for pairs whose share is lost.
      const isUsed = own.counts.pairs + others.length > 0 || slot.cohort.shares === 'incomplete'
      this.#settle(slot, isUsed)
    }
    return whole.counts.pairs > 0 ? foldPairs(evidence, this.#plan.pairTests, whole) : evidence
  }

  #settle(slot: PairSlot, isUsed: boolean): void {
    slot.settled = true
    if (!(isUsed || slot.fed) || !this.#waits) return this.#drop(slot)
    // Once more where it was stored while it was open: it has its end now.
    this.#put(slot)
  }

  #put(slot: PairSlot): void {
    slot.persisted = true
    this.#pending.put(slot.cohort)
  }

  #foldLabels(evidence: Evidence, test: LabelTest, now: number, shares: Shares): Evidence {
    let folded = evidence
    for (const slot of this.#labels.slotsAfter(this.#foldedThrough.get(test.id)!)) {
      const { cohort } = slot
      // Strictly in order: what is not ready blocks what comes after it.
      if (!isDue(slot, test, now) || !shares.isWhole(cohort)) break
      this.#foldedThrough.set(test.id, cohort.number)
      const { number, step } = cohort
      const own = cohort.tallies[test.id]
      if (own === undefined || own.kind === 'drift') continue
      const tally = mergePairTally(test.id, own, shares.sharesOf(cohort))
      if (isEmptyPairTally(tally)) continue
      folded = foldPairLabels(folded, test, { number, step, tally })
    }
    return folded
  }

  #drop({ cohort: { number }, persisted }: PairSlot): void {
    this.#labels.delete(number)
    this.#pending.drop(number, persisted)
  }

  #learnCaps(evidence: Evidence): Evidence {
    const caps = takePairCaps(this.#plan, evidence.caps, this.#labels)
    return withLearnt(evidence, { caps, bins: {} })
  }
}

/** Whether the window of a test is over for a cohort whose pairs are all folded. */
function isDue({ cohort, settled }: PairSlot, { asks }: LabelTest, now: number): boolean {
  return settled && now >= cohort.closedAt! + asks.windowMs
}
