import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type {
  CohortOpening,
  CohortShare,
  LearntTerms,
  PairFigures,
  Publication,
} from '../domain/replica.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import { readsAnswer, type MetricSpec } from '../domain/rollout-spec.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { Slot } from '../metrics/cohort-slot.ts'
import {
  LATE,
  lateEvent,
  type EventBooking,
  type FeedbackBooking,
} from '../metrics/feedback-booking.ts'
import type { UnitClaims } from '../metrics/unit-claims.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import { opensCohorts } from '../rollout/opens-cohorts.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { MAX_UNITS } from '../store/limits.ts'
import type { CycleBook } from './cycle-book.ts'
import { FollowedPairs } from './followed-pairs.ts'
import { READ_MS } from './is-due.ts'
import { takeLearnt } from './learn-terms.ts'

/**
 * So long is waited for the first word of who decides: a process that died leaves its lease for half of that, and who
 * decides needs a second or two to hear of somebody new.
 */
const FIRST_WORD_MS = 10_000

/**
 * One attempt's cohorts on a replica that follows: it opens those that the leader publishes while it serves
 * their weights, keeps what its own requests add to them, and books the feedback that comes to it.
 */
export class FollowedCohorts {
  readonly rollout: string
  #plan: RolloutPlan
  readonly #replica: string
  readonly #ledger: CohortLedger
  readonly #pairs: FollowedPairs
  /** Opened, and not reported since. */
  readonly #owed = new Set<number>()
  /** Of those, the ones that feedback has reached. */
  readonly #fed = new Set<number>()
  /** Reported, and changed since by answers that took their time. */
  readonly #amended = new Set<number>()
  #caps: Record<string, number> = {}
  #bins: Record<string, readonly number[]> = {}
  #heard: Publication | null = null
  /** Whoever decides has cohorts to tell of, and has told of none yet. */
  #awaitsWord: boolean
  /** Monotonic; null = not at all yet. */
  #followsSince: number | null = null
  #newest = -1
  /** Monotonic: an open cohort is closed then. */
  #leaseEndsAt = 0

  /**
   * `replica` names the shares: no two of these have the same. `claims`: those of several which judge keys together.
   */
  constructor(
    plan: RolloutPlan,
    state: RolloutState,
    book: CycleBook,
    replica: string,
    claims?: UnitClaims,
  ) {
    this.#plan = plan
    this.#replica = replica
    this.rollout = rolloutId(state)
    this.#ledger = new CohortLedger(plan.hypotheses, plan.keyed, MAX_UNITS, claims)
    this.#ledger.claims.share()
    book.useLedger(this.#ledger, this.rollout)
    this.#pairs = new FollowedPairs(plan, this.rollout, book)
    this.#awaitsWord = opensCohorts(plan, state) || runningMirror(plan.steps, state) !== null
  }

  /** Whether cohorts may wait for feedback that are not known here yet: they soon are, or this process decides. */
  isDeaf(monotonicNow: number): boolean {
    return this.#awaitsWord && monotonicNow - (this.#followsSince ?? monotonicNow) < FIRST_WORD_MS
  }

  /** Keys that others may have judged before. */
  get claims(): UnitClaims {
    return this.#ledger.claims
  }

  /** Goes on under a plan that asks the same questions, perhaps with other margins for events. */
  replan(plan: RolloutPlan, book: CycleBook): void {
    this.#plan = plan
    book.useLedger(this.#ledger, this.rollout)
    this.#pairs.replan(plan, book)
  }

  /** Cohorts whose share the leader waits for. */
  get owed(): readonly number[] {
    return [...this.#owed, ...this.#pairs.owed]
  }

  /** What its pairs have come to so far; null = none is evidence. */
  get pairFigures(): PairFigures | null {
    return this.#pairs.figures
  }

  /** What the values of this replica have taught so far; null = nothing. */
  get learnt(): LearntTerms | null {
    const [caps, bins] = [this.#caps, this.#bins]
    if (Object.keys({ ...caps, ...bins }).length === 0) return null
    return { service: this.#plan.service, rollout: this.rollout, caps, bins }
  }

  /** Whether a publication is of this attempt, and asks what this replica asks. */
  agrees({ rollout, sharingKey }: Publication): boolean {
    return rollout === this.rollout && sharingKey === this.#plan.sharingKey
  }

  /** Whether cohorts were published before that this replica has not heard of. */
  hasMissed({ previous, earlier }: Publication): boolean {
    return earlier.length > 0 || (previous !== null && previous > this.#newest)
  }

  /** Takes feedback for these cohorts too, in their order. */
  addForFeedback(openings: readonly CohortOpening[]): void {
    for (const opening of openings) {
      if (opening.number <= this.#newest || opening.rollout !== this.rollout) continue
      this.#newest = opening.number
      const cohorts = opening.mirrored === true ? this.#pairs : this.#ledger
      cohorts.addForFeedback(opening)
    }
  }

  /** The leader's newest word, asked for at `askedAt` (monotonic). Cohorts that were missed must be added first. */
  hear(publication: Publication, now: number, askedAt: number): void {
    this.close(now)
    this.#awaitsWord = false
    this.#heard = this.agrees(publication) ? publication : null
    if (this.#heard === null) return
    this.#leaseEndsAt = askedAt + publication.leaseMs
    for (const { cohort } of this.#ledger.slots()) {
      if (cohort.number > publication.through || this.#owed.has(cohort.number)) break
      this.#ledger.drop(cohort.number)
      this.#amended.delete(cohort.number)
    }
    this.#pairs.dropThrough(publication.through)
  }

  /**
   * Opens the newest cohort where `state`, which is served, has its weights; closes what is open where it has
   * not, or where the leader has been silent for too long.
   */
  turn(state: RolloutState, now: number, monotonicNow: number): void {
    this.#followsSince ??= monotonicNow
    const cohort = this.#heard?.cohort ?? null
    const serves = cohort !== null && this.#serves(state, cohort)
    if (!serves || monotonicNow >= this.#leaseEndsAt) {
      this.close(now)
      return
    }
    if (cohort.number <= this.#newest) return
    this.#newest = cohort.number
    if (cohort.mirrored === true) return this.#pairs.open(cohort, now)
    const { openedAt: _leaders, ...opening } = cohort
    this.#ledger.open({ ...opening, now })
    this.#owed.add(cohort.number)
  }

  /** Takes part no more: what is open is closed. */
  close(now: number): void {
    this.#ledger.close(now)
    this.#pairs.close(now)
  }

  /** Shares that nothing but feedback changes any more. `isOver`: no answer is being read. */
  settle(now: number, monotonicNow: number, isOver = false): readonly CohortShare[] {
    this.#ledger.settleUntil(now, monotonicNow)
    this.#noteAmended()
    const fresh = takeLearnt(this.#plan, { caps: this.#caps, bins: this.#bins }, this.#ledger)
    this.#caps = { ...this.#caps, ...fresh.caps }
    this.#bins = { ...this.#bins, ...fresh.bins }
    this.#caps = { ...this.#caps, ...this.#pairs.takeCaps(this.#caps) }
    const shares = this.#pairs.settle(now).map((share) => this.#signed({ ...share, newUnits: [] }))
    for (const slot of this.#ledger.slotsAfter(Math.min(...this.#owed) - 1)) {
      const { cohort } = slot
      if (!this.#owed.has(cohort.number)) continue
      if (!slot.settled || (!isOver && now < cohort.settledAt! + READ_MS)) break
      // From now on, not from when it is stored: a label that comes between is stored right after.
      slot.persisted = true
      if (slot.used || this.#fed.has(cohort.number)) shares.push(this.#shareOf(slot))
      else this.#owed.delete(cohort.number)
    }
    for (const slot of this.#ledger.slotsAfter(Math.min(...this.#amended) - 1)) {
      if (this.#amended.has(slot.cohort.number)) shares.push(this.#shareOf(slot))
    }
    return shares
  }

  /** The store has these shares. */
  reported(shares: readonly CohortShare[]): void {
    for (const { cohort } of shares) {
      this.#owed.delete(cohort)
      this.#fed.delete(cohort)
      this.#amended.delete(cohort)
      this.#pairs.reported(cohort)
    }
  }

  /** Books a label into this replica's share; see CohortLedger. Labels of other attempts are late. */
  label(prediction: Prediction, label: number): FeedbackBooking {
    if (prediction.rollout !== this.rollout) return LATE
    if (prediction.pair !== undefined) return this.#named(this.#pairs.label(prediction, label))
    const booked = this.#ledger.label(prediction, label, this.#hasFolded(prediction))
    return this.#booked(prediction, booked)
  }

  /** Books an event in the same way. */
  event(
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    counted = true,
  ): EventBooking {
    if (prediction.rollout !== this.rollout) return lateEvent(totals)
    const isFolded = this.#hasFolded(prediction)
    const booked = this.#ledger.event(prediction, totals, event, isFolded, counted)
    return counted ? { ...booked, ...this.#booked(prediction, booked) } : booked
  }

  /** A share is handed over when nothing is stale any more, save by answers that a metric waits for longer. */
  #noteAmended(): void {
    const waits = this.#plan.metrics.some(isWaitingForAnswer)
    for (const { persisted, cohort } of this.#ledger.takeStale()) {
      if (waits && persisted && !this.#owed.has(cohort.number)) this.#amended.add(cohort.number)
    }
  }

  #hasFolded({ cohort }: Prediction): (hypothesis: string) => boolean {
    const folded = this.#heard?.folded ?? {}
    return (id) => cohort <= (folded[id] ?? -1)
  }

  #serves(state: RolloutState, { step, pi, mirrored }: CohortOpening): boolean {
    if (step !== state.step) return false
    if (mirrored === true) return runningMirror(this.#plan.steps, state) !== null
    return pi === state.weightBp / WHOLE_BP
  }

  #booked({ cohort }: Prediction, booking: FeedbackBooking): FeedbackBooking {
    if (booking.result === 'joined' && booking.changed === null) this.#fed.add(cohort)
    return this.#named(booking)
  }

  #named({ result, changed }: FeedbackBooking): FeedbackBooking {
    return {
      result,
      changed: changed === null ? null : { ...changed, replica: this.#replica },
    }
  }

  #shareOf({ cohort, newUnits }: Slot): CohortShare {
    const { number, assigned, observed, segments, tallies } = cohort
    return this.#signed({
      ...{ cohort: number, assigned, observed, tallies, newUnits },
      ...(segments === undefined ? undefined : { segments }),
    })
  }

  #signed(share: Omit<CohortShare, 'service' | 'rollout' | 'replica'>): CohortShare {
    return {
      ...{ service: this.#plan.service, rollout: this.rollout, replica: this.#replica },
      ...share,
    }
  }
}

function isWaitingForAnswer(metric: MetricSpec): boolean {
  return readsAnswer(metric) && metric.windowMs > 0
}
