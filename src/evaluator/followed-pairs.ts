import { isLabelTest } from '../domain/pairs.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { CohortOpening, CohortShare, PairFigures } from '../domain/replica.ts'
import { asksFirstBytes } from '../domain/rollout-spec.ts'
import type { FeedbackBooking } from '../metrics/feedback-booking.ts'
import { PairLabels } from '../metrics/pair-labels.ts'
import { PairLedger, type SettledPairs } from '../metrics/pair-ledger.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { CycleBook } from './cycle-book.ts'
import { takePairCaps } from './learn-terms.ts'

/** What a replica that follows has seen of a mirrored cohort. */
type PairShare = Pick<CohortShare, 'cohort' | 'assigned' | 'observed' | 'pairs' | 'tallies'>

/** The mirrored cohorts of one attempt on a replica that follows: those that the leader publishes in mirror steps. */
export class FollowedPairs {
  #plan: RolloutPlan
  readonly #rollout: string
  readonly #ledger: PairLedger
  readonly #labels: PairLabels
  /** Opened, and not reported since; null = some of its own pairs are not known yet. */
  readonly #owed = new Map<number, SettledPairs | null>()
  #step = -1

  constructor(plan: RolloutPlan, rollout: string, book: Pick<CycleBook, 'usePairs'>) {
    this.#plan = plan
    this.#rollout = rollout
    this.#ledger = new PairLedger(plan.pairTests, asksFirstBytes(plan.metrics))
    this.#labels = new PairLabels(plan.pairTests.filter(isLabelTest))
    book.usePairs(this.#ledger)
  }

  /** Goes on under a plan that asks the same questions. */
  replan(plan: RolloutPlan, book: Pick<CycleBook, 'usePairs'>): void {
    this.#plan = plan
    book.usePairs(this.#ledger)
  }

  /** Cohorts whose share the leader waits for. */
  get owed(): readonly number[] {
    return [...this.#owed.keys()]
  }

  /** What terms of later cohorts are made from, and limits are read from; null = no copy has been evidence here. */
  get figures(): PairFigures | null {
    const { service, pairTests, metrics } = this.#plan
    if (this.#step === -1) return null
    const isTimed =
      pairTests.some(({ asks }) => asks.of === 'latency') ||
      metrics.some(({ kind, max }) => kind === 'latency' && max !== null)
    return {
      ...{ service, rollout: this.#rollout, step: this.#step },
      labels: this.#labels.moments,
      ...(isTimed ? this.#ledger.shareTimes() : { times: [] }),
    }
  }

  /** Caps that labels have taught since the last time, of metrics whose cap is not known yet. */
  takeCaps(known: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    return takePairCaps(this.#plan, known, this.#labels)
  }

  /** Takes labels of pairs that others have; the number is beyond all others. */
  addForFeedback(opening: CohortOpening): void {
    this.#add(opening)
    this.#labels.get(opening.number)!.persisted = true
  }

  /** Copies that leave from now on are pairs of this cohort, whose number is beyond all others. */
  open(opening: CohortOpening, now: number): void {
    const { number, step, terms } = opening
    this.#ledger.turn({ number, step, terms }, now)
    this.#step = step
    this.#add(opening)
    this.#owed.set(number, null)
  }

  /** Copies are no evidence until another cohort opens. */
  close(now: number): void {
    this.#ledger.turn(null, now)
  }

  /** Nothing waits any more for cohorts up to this number. */
  dropThrough(through: number): void {
    for (const { cohort } of this.#labels.slots()) {
      if (cohort.number > through || this.#owed.has(cohort.number)) break
      this.#labels.delete(cohort.number)
    }
  }

  /** Shares that nothing but labels changes any more. */
  settle(now: number): readonly PairShare[] {
    for (const settled of this.#ledger.settle(now)) this.#owed.set(settled.number, settled)
    const shares: PairShare[] = []
    for (const [number, settled] of this.#owed) {
      if (settled === null) break
      const slot = this.#labels.get(number)!
      // From now on, not from when it is stored: a label that comes between is stored right after.
      slot.persisted = true
      const { counts, tallies } = settled
      if (counts.pairs === 0 && !slot.fed) {
        this.#owed.delete(number)
        continue
      }
      shares.push({
        ...{ cohort: number, assigned: [0, 0], observed: [0, 0], pairs: counts },
        tallies: { ...tallies, ...slot.cohort.tallies },
      })
    }
    return shares
  }

  /** The store has the share. */
  reported(cohort: number): void {
    this.#owed.delete(cohort)
  }

  /** Books the label of a pair; late when nothing waits for it any more. */
  label(prediction: Prediction, label: number): FeedbackBooking {
    return this.#labels.label(prediction, label)
  }

  #add(opening: CohortOpening): void {
    const { number, rollout, step, pi, epoch, judged, openedAt, terms } = opening
    this.#labels.add(
      {
        ...{ number, rollout, step, pi, epoch, judged, openedAt, closedAt: null, mirrored: true },
        ...{ terms, assigned: [0, 0], observed: [0, 0], tallies: this.#labels.emptyTallies() },
      },
      false,
    )
  }
}
