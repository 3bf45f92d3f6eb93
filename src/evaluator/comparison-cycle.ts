import type { Comparison } from '../domain/comparison.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { BASELINE_SIDE, type Side } from '../domain/cohort.ts'
import { BASELINE } from '../domain/variant.ts'
import type { EventBooking, FeedbackBooking } from '../metrics/feedback-booking.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { UnitClaims } from '../metrics/unit-claims.ts'
import { compareVariants } from '../rollout/compare-variants.ts'
import { comparisonState, type ExperimentState } from '../rollout/experiment.ts'
import type { ComparisonPlan } from '../rollout/experiment-plan.ts'
import { RecentPace } from '../rollout/recent-pace.ts'
import { drawnUnits } from '../rollout/units.ts'
import type { Lease, RolloutRecord, Store } from '../store/store.ts'
import { closedByNow } from './closed-by-now.ts'
import { CohortCycle } from './cohort-cycle.ts'
import { CommitError } from './commit-error.ts'
import type { CycleBook } from './cycle-book.ts'
import { endCycle } from './end-cycle.ts'
import type { Following, TakePart } from './following.ts'
import { labelledOn } from './labelled-on.ts'
import type { ComparisonInput } from './read-traffic.ts'
import type { Follower } from './replica-voice.ts'
import type { OtherReplicas, TurningReplicas } from './shared-cohorts.ts'
import type { SharedKeys } from './shared-keys.ts'
import { underMargins } from './under-margins.ts'

/** Where a comparison begins; `id` names the experiment's attempt. */
export type ComparisonStart = {
  readonly experiment: ExperimentState
  /** What the store has of it; null = nothing. */
  readonly record: RolloutRecord | null
  /** What the evidence in it was gathered under, see `changeableMargins`. */
  readonly margins: string
  readonly book: ServiceBook
  readonly id: string
  readonly now: number
}

/** One challenger's cohorts and evidence as they live, from the store and into it. */
export class ComparisonCycle {
  #comparison: ComparisonPlan
  #book: ServiceBook
  /** Names the experiment's attempt. */
  #id: string
  readonly #cycle: CohortCycle
  readonly following: Following
  #state: RolloutState
  #storedRevision: number | null
  /** What the store has is another attempt's, or nothing. */
  #isNew: boolean
  #unstored = false
  readonly #pace = new RecentPace()
  /** No variant has all of the traffic. */
  #holds = true
  #seen: {
    readonly evidence: Evidence
    readonly holds: boolean
    readonly report: Comparison
  } | null = null

  /**
   * Goes on from `record` where it belongs to the experiment's attempt, else begins with no evidence. `following`:
   * its part in what another process decides, which goes on as well; `keys`: those that all comparisons judge.
   */
  constructor(
    comparison: ComparisonPlan,
    { experiment, record, margins, book, id, now }: ComparisonStart,
    keys: SharedKeys,
    following: Following,
  ) {
    const { plan, variant } = comparison
    this.#id = id
    this.following = following
    const isGoingOn =
      record !== null &&
      record.state.attempt === experiment.attempt &&
      record.state.canaryVersion === plan.canaryVersion &&
      record.state.fingerprint.analysis === plan.fingerprint.analysis
    this.#comparison = comparison
    this.#book = book
    this.#storedRevision = record?.state.revision ?? null
    this.#isNew = !isGoingOn
    const revision = (this.#storedRevision ?? 0) + (isGoingOn ? 0 : 1)
    this.#state = comparisonState(comparison, experiment, revision)
    const known = isGoingOn ? closedByNow(record, now) : null
    const restored = known && underMargins(known, margins, plan.fingerprint.margins)
    this.#unstored = restored !== known
    const cycled = cycleBook(book, variant, id)
    this.#cycle = new CohortCycle(plan, this.#state, cycled, now, restored, keys)
  }

  get variant(): string {
    return this.#comparison.variant
  }

  get lastNumber(): number {
    return this.#cycle.lastNumber
  }

  /** Keys that others may have judged before; the same of all comparisons. */
  get claims(): UnitClaims {
    return this.#cohorts.claims
  }

  /** Goes on under a plan that asks the same questions. */
  replan(comparison: ComparisonPlan, book: ServiceBook, id: string): void {
    this.#comparison = comparison
    this.#book = book
    this.#id = id
    this.#state = { ...this.#state, weightBp: comparison.weightBp }
    const { evidence } = this.#cycle
    this.#cycle.replan(comparison.plan, cycleBook(book, comparison.variant, id))
    if (this.#cycle.evidence !== evidence) this.#unstored = true
    this.#seen = null
  }

  /** Closes the open cohort and, while the split holds, opens the next one; see CohortCycle. */
  turn(now: number, holds: boolean, judged: boolean, after: number, others: TurningReplicas): void {
    this.#cycle.turn(this.#served(holds), now, judged, false, after, others)
  }

  /** Takes part in the cohorts of the process that decides; see Following. */
  listen(holds: boolean, claims: UnitClaims): Promise<TakePart> {
    const { plan, variant } = this.#comparison
    const book = cycleBook(this.#book, variant, this.#id)
    return this.following.listen(plan, this.#served(holds), book, claims)
  }

  /** This process decides now. */
  lead(): void {
    const { plan, variant } = this.#comparison
    if (this.following.end()) this.#cycle.replan(plan, cycleBook(this.#book, variant, this.#id))
  }

  /** Its part in what another process decides. */
  follower(departs: boolean): Follower {
    const { service } = this.#comparison.plan
    const followed = this.following.cohorts
    const labelled = labelledOn(this.#book)
    return { service, followed, trip: null, step: null, faults: null, labelled, departs }
  }

  /** Reads the shares of others that the next `fold` needs; see CohortCycle. */
  gather(others: OtherReplicas, now: number, monotonicNow: number): Promise<void> | null {
    return this.#cycle.gather(others, now, monotonicNow)
  }

  /** Settles and folds what is ready. */
  fold(now: number, monotonicNow: number): void {
    if (this.#cycle.fold(this.#state, now, monotonicNow)) this.#unstored = true
    this.#pace.note(now, drawnUnits(this.#cycle.evidence))
  }

  /** Ends the open cohort for good; see endCycle. */
  async end(deps: Parameters<typeof endCycle>[2]): Promise<void> {
    await endCycle(this.#cycle, this.#state, deps)
    this.#unstored = true
  }

  /** Stores what was folded; throws where the store has been written by somebody else. */
  async commit(store: Store, lease: Lease): Promise<void> {
    const common = { service: this.#state.service, lease }
    if (this.#isNew) {
      const expectedRevision = this.#storedRevision
      const change = { ...common, expectedRevision, state: this.#state, resetEvidence: true }
      const result = await store.commit(change)
      if (!result.ok) throw new CommitError(result)
      this.#storedRevision = this.#state.revision
      this.#isNew = false
    }
    if (!this.#unstored) return
    const cohorts = this.#cycle.changes()
    const { put, drop, units, rollout, plan, archive } = cohorts
    const changed = { putCohorts: put, dropCohorts: drop, putUnits: units }
    const result = await store.commit({
      ...{ ...common, expectedRevision: this.#storedRevision },
      ...{ ...changed, evidence: this.#cycle.evidence },
      ...(archive.length === 0 ? {} : { archive: { rollout, plan, cohorts: archive } }),
    })
    if (!result.ok) throw new CommitError(result)
    this.#cycle.stored(cohorts)
    this.#unstored = false
  }

  /** Books a label of a request that was drawn for one of the two; null = it was drawn for another. */
  label(prediction: Prediction, label: number): FeedbackBooking | null {
    const own = this.#ownOf(prediction)
    return own === null ? null : this.#cohorts.label(own, label)
  }

  /** Books an event of a unit that was drawn for one of the two; null = it was drawn for another. */
  event(
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    counted: boolean,
  ): EventBooking | null {
    const own = this.#ownOf(prediction)
    return own === null ? null : this.#cohorts.event(own, totals, event, counted)
  }

  /** What a forecast is made from, but for its part of the traffic. */
  reading(now: number): Omit<ComparisonInput, 'share'> {
    const { plan, variant } = this.#comparison
    return {
      ...{ variant, plan, state: this.#served(this.#holds), now },
      ...{ evidence: this.#cycle.evidence, book: this.#book, lately: this.#pace.perSecond },
    }
  }

  /** What the evidence says now. */
  report(now: number): Comparison {
    const { evidence } = this.#cycle
    const holds = this.#holds
    if (this.#seen?.evidence !== evidence || this.#seen.holds !== holds) {
      const latency = (side: Side, asked: LatencyQuantile, segment: string | undefined) => {
        const variant = side === BASELINE_SIDE ? BASELINE : this.variant
        const drawn = this.#book.variants.get(variant)!.drawnOf(asked, segment)
        return drawn.count === 0
          ? { value: null, n: 0 }
          : { value: drawn.quantile(asked.quantile), n: Math.round(drawn.count) }
      }
      const sight = { now, latency, unitsPerSecond: holds ? this.#pace.perSecond : 0 }
      const report = compareVariants(this.#comparison, this.#state, evidence, sight)
      this.#seen = { evidence, holds, report }
    }
    return this.#seen!.report
  }

  /** Those that feedback and keys meet. */
  get #cohorts(): Pick<CohortCycle, 'label' | 'event' | 'claims'> {
    return this.following.cohorts ?? this.#cycle
  }

  #served(holds: boolean): RolloutState {
    this.#holds = holds
    return holds ? this.#state : { ...this.#state, weightBp: 0 }
  }

  #ownOf(prediction: Prediction): Prediction | null {
    const { variant } = prediction
    if (variant !== BASELINE && variant !== this.variant) return null
    return { ...prediction, rollout: this.#cycle.rollout }
  }
}

function cycleBook(book: ServiceBook, variant: string, id: string): CycleBook {
  return {
    variants: book.variants,
    useLedger: (ledger) => book.compare(variant, ledger, id),
    // A fixed split has no mirror steps.
    usePairs: () => {},
    servedElsewhere: (now) => book.servedElsewhere(now),
  }
}
