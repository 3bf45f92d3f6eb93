import type { Clock } from '../domain/clock.ts'
import type { Decision } from '../domain/decision.ts'
import type { CommandOutcome } from '../domain/order.ts'
import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import type { EventBooking, FeedbackBooking } from '../metrics/feedback-booking.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Past } from '../rollout/reconcile.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import type { Lease, RolloutRecord, Store } from '../store/store.ts'
import type { Sight } from './observe.ts'
import type { ReplicaDeps } from './replicas.ts'
import type { FetchProvider } from './provider-fetcher.ts'

/** What a runner needs of the world. */
export type RunnerDeps = Sight &
  ReplicaDeps & {
    readonly store: Store
    readonly clock: Clock
    /** The lease to decide, while it is held; null = another process leads. */
    readonly lease: () => Lease | null
    /** Another process is known to decide. */
    readonly follows: () => boolean
    /** Services that are judged here, beside each other; 0 = each by itself, at each of its intervals. */
    readonly judged: () => number
    readonly fetchProvider: FetchProvider
    /**
     * Gives the data plane a state's weights, for every assignment from then on. `unstored`: the rollback that it comes
     * from, while the store does not have that.
     */
    readonly apply: (state: RolloutState, unstored: DecisionSeed | null) => void
    readonly onDecision: (decision: Decision) => void
    /** Told what the evidence says whenever a cohort turns or a decision is stored, with the state before it. */
    readonly onTurn: (state: RolloutState, reports: readonly MetricReport[]) => void
    readonly onError: (what: string, error: unknown) => void
  }

/** What an experiment needs of the world. */
export type ExperimentDeps = Pick<
  RunnerDeps,
  | 'store'
  | 'clock'
  | 'lease'
  | 'follows'
  | 'judged'
  | 'reachability'
  | 'onDecision'
  | 'onError'
  | keyof ReplicaDeps
> & {
  /** Gives the data plane all of the traffic for one variant; null = the weights of the configuration. */
  readonly apply: (winner: string | null) => void
}

/** What became of a command here. */
export type RunnerResult = CommandOutcome

/** What became of a label; of an experiment `alsoChanged` has what each of its comparisons keeps. */
export type BookedLabel = FeedbackBooking & AlsoChanged

/** The same of an event. */
export type BookedEvent = EventBooking & AlsoChanged

/**
 * Books an event of the unit that a request is judged by; `totals` are those that it had so far. `counted: false`: only
 * says what would become of it.
 */
export type BookEvent = (
  prediction: Prediction,
  totals: readonly number[],
  event: FeedbackEvent,
  counted?: boolean,
) => BookedEvent

type AlsoChanged = {
  readonly alsoChanged?: readonly (NonNullable<FeedbackBooking['changed']> & {
    readonly service: string
  })[]
}

/** Where a runner begins: what the store has, and what the configuration makes of it. */
export type RunnerStart = {
  readonly plan: RolloutPlan
  readonly book: ServiceBook
  readonly record: RolloutRecord | null
  readonly past: Past
  readonly lastDecision: Decision | null
  /** The rollback that the record's state comes from, where the store did not have that. */
  readonly unstored: DecisionSeed | null
}
