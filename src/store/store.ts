import type { Cohort, Tally } from '../domain/cohort.ts'
import type { Decision, DecisionDraft } from '../domain/decision.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { CommandOutcome, Order } from '../domain/order.ts'
import type { Prediction, UnitEvents } from '../domain/prediction.ts'
import type { CohortOpening, CohortShare, Publication, ReplicaReport } from '../domain/replica.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'

/**
 * The one port to what must survive a restart. Engines: `lmdb-store.ts`, `redis-store.ts`. Every write
 * resolves when it is durable against the death of the process; every method may reject with SERIN_STORE_FAILED.
 */
export type Store = {
  /** What is known of a service's current rollout; null when it never had one. */
  readonly readRollout: (service: string) => Promise<RolloutRecord | null>
  /** Its state's revision alone: what a process that only follows asks for again and again. */
  readonly readRevision: (service: string) => Promise<number | null>
  /**
   * Applies one change whole or not at all. `conflict`: the stored revision is not the expected one;
   * `fenced`: the lease was lost to another holder. On success the decision comes back numbered.
   */
  readonly commit: (change: RolloutChange) => Promise<CommitResult>
  /** Newest first; `after` leaves out ids ≤ it; `limit` ≤ 1000. */
  readonly decisions: (
    service: string,
    page: { readonly after: number; readonly limit: number },
  ) => Promise<readonly Decision[]>
  readonly decision: (service: string, id: number) => Promise<Decision | null>
  /** When this canary version was rolled back last, whatever the baseline; null = never. */
  readonly rolledBackAt: (service: string, canaryVersion: string) => Promise<number | null>

  /** Attempts with archived cohorts, the oldest first. */
  readonly attempts: (service: string) => Promise<readonly ArchivedAttempt[]>
  /** What the attempt's last archived cohort was judged by; null = nothing of it is archived. */
  readonly archivedPlan: (service: string, rollout: string) => Promise<RolloutPlan | null>
  /**
   * An attempt's cohorts in assignment order: archived ones, then those that wait for labels. `after`
   * leaves out numbers ≤ it; `limit` ≤ 1000.
   */
  readonly archivedCohorts: (
    service: string,
    rollout: string,
    page: { readonly after: number; readonly limit: number },
  ) => Promise<readonly Cohort[]>

  /**
   * Takes or renews the lease to decide; null while somebody else holds it. Its time runs on the clock of the
   * store's server; an engine without one goes by `now`, the clock of the one machine that it is on. Where that clock is set
   * back, a lease that others ask for lasts no longer than `ttlMs`.
   */
  readonly acquireLease: (holder: string, ttlMs: number, now: number) => Promise<Lease | null>
  readonly releaseLease: (lease: Lease) => Promise<void>
  /** Who took the lease last, whether or not its time is over; null = it was given back, or never taken. */
  readonly leaseHolder: () => Promise<string | null>

  /**
   * Tells the other replicas of cohorts, each of a service of its own, under versions that count up by one over
   * all services. Shares of cohorts up to `through` go. Resolves with the version of the last one; null = fenced.
   */
  readonly publish: (lease: Lease, publications: readonly Publication[]) => Promise<number | null>
  /** What was published after that version, the newest of each service, and the version of the newest of all. */
  readonly readPublications: (
    after: number,
  ) => Promise<{ readonly version: number; readonly publications: readonly Publication[] }>
  /** What the published cohorts of a service that some hypothesis has not folded were opened with, in order. */
  readonly readOpenings: (service: string) => Promise<readonly CohortOpening[]>
  /** Replaces what a replica has said of itself, and stores its shares with it; those of unpublished cohorts go. */
  readonly report: (report: ReplicaReport, shares: readonly CohortShare[]) => Promise<void>
  readonly readReports: () => Promise<readonly ReplicaReport[]>
  readonly forgetReplica: (replica: string) => Promise<void>
  /** The shares of these cohorts, what feedback has changed since among them; by cohort, then by replica. */
  readonly readShares: (
    service: string,
    cohorts: readonly number[],
  ) => Promise<readonly CohortShare[]>

  /** Leaves an order for the process that decides; it is gone after `ttlMs`, which run as those of the lease do. */
  readonly putOrder: (order: Order, ttlMs: number) => Promise<void>
  /** Takes all orders that wait, in the order in which they came: nobody else gets them. Null = fenced. */
  readonly takeOrders: (lease: Lease, now: number) => Promise<readonly Order[] | null>
  /** Takes one back, so that nobody gets it; false = it was taken, or is gone. */
  readonly withdrawOrder: (id: string) => Promise<boolean>
  /** Leaves the answer to an order that was taken; it is kept for `ttlMs`. */
  readonly answerOrder: (
    id: string,
    answer: CommandOutcome,
    ttlMs: number,
    now: number,
  ) => Promise<void>
  /** The answer to an order, as often as it is asked for; null = there is none. */
  readonly readAnswer: (id: string) => Promise<CommandOutcome | null>

  /**
   * Claims keys of running attempts, each for the first who asks; true = nobody has asked before. Beyond `MAX_UNITS` of a
   * service none is claimed any more. They go with the evidence.
   */
  readonly claimUnits: (claims: readonly UnitClaims[]) => Promise<readonly (readonly boolean[])[]>

  /**
   * The last decision that a webhook needs to hear no more of. One that is not known yet begins at the
   * newest decision, and that is remembered. `hook` names it within the service.
   */
  readonly openNotifyCursor: (service: string, hook: string) => Promise<number>
  /** Nothing up to `id` needs to be sent again. Never goes back, so it needs no lease. */
  readonly moveNotifyCursor: (service: string, hook: string, id: number) => Promise<void>

  /** Keeps predictions until `retention` has passed or there are too many (oldest go first, counted). */
  readonly putPredictions: (predictions: readonly Prediction[]) => Promise<void>
  /** The answers stand in the order of the queries. `service: null` searches all services. */
  readonly findPredictions: (
    queries: readonly PredictionQuery[],
  ) => Promise<readonly PredictionLookup[]>
  /**
   * In one transaction: takes labels and events, each for the first who asks, and stores what others have changed. What
   * is answered true is the caller's to count, and nobody else's. A change that had no answer may be made again, as
   * the same object: it has the same answer.
   */
  readonly commitFeedback: (change: FeedbackChange) => Promise<TakenFeedback>
  /** Removes predictions older than the retention or beyond the limits; resolves with how many went. */
  readonly expirePredictions: (now: number) => Promise<RemovedPredictions>

  readonly close: () => Promise<void>
}

/** Predictions that went since the last time that it was asked. */
export type RemovedPredictions = {
  /** Their time was over. */
  readonly expired: number
  /** There were too many, or they took too many bytes. */
  readonly evicted: number
}

/** `token` grows with every change of holder: a write under an old token is fenced off. */
export type Lease = { readonly holder: string; readonly token: number }

/** What the store knows of a service's current rollout: enough to go on from. */
export type RolloutRecord = {
  readonly state: RolloutState
  readonly evidence: Evidence | null
  /** Settled cohorts that some hypothesis has not folded yet (labels), in order. */
  readonly cohorts: readonly Cohort[]
  /** In cohort order: rebuilds the index of units. */
  readonly units: readonly UnitBatch[]
}

/** The keys that one cohort saw first in this attempt, and those that had an event, by hypothesis id. */
export type UnitBatch = {
  readonly cohort: number
  readonly epoch: number
  readonly seen: readonly number[]
  readonly events: Readonly<Record<string, readonly number[]>>
}

/** Keys of one service, or of an experiment under what its state is kept under, by their hashes. */
export type UnitClaims = { readonly service: string; readonly units: readonly number[] }

/** One change of a rollout, taken whole or not at all. */
export type RolloutChange = {
  /** The service; of an experiment, what its state or one of its comparisons is kept under. */
  readonly service: string
  /** Revision that must be stored now; null = the service must have no rollout yet. */
  readonly expectedRevision: number | null
  readonly lease: Lease
  /** Its revision must be larger than the expected one. Absent: the state stays. */
  readonly state?: RolloutState
  /** Goes into the log of the service that it names. */
  readonly decision?: DecisionDraft
  readonly evidence?: Evidence
  readonly putCohorts?: readonly Cohort[]
  /** Numbers of cohorts that every hypothesis has folded. */
  readonly dropCohorts?: readonly number[]
  readonly putUnits?: readonly UnitBatch[]
  /** Cohorts of one attempt that nothing will change any more: kept for being judged again, while there is room. */
  readonly archive?: {
    readonly rollout: string
    /** What the cohorts of this rollout were judged by. */
    readonly plan: RolloutPlan
    readonly cohorts: readonly Cohort[]
  }
  /** A new attempt: stored evidence and units of the service go first, its cohorts into the archive. */
  readonly resetEvidence?: boolean
}

/** An attempt of which cohorts are archived. Times in ms since the epoch. */
export type ArchivedAttempt = {
  readonly rollout: string
  /** Number of the first cohort that was ever archived of it. */
  readonly first: number
  readonly cohorts: number
  /** When the oldest of them opened and the newest closed. */
  readonly from: number
  readonly to: number
  /** Cohorts that had to make room for newer ones. */
  readonly evicted: number
}

/** `decision` is numbered, null where the change had none. */
export type CommitResult =
  | { readonly ok: true; readonly decision: Decision | null }
  | { readonly ok: false; readonly reason: 'conflict' | 'fenced' }

/** A stored prediction with what events have said of it; `record` is its place in this store. */
export type PredictionRecord = {
  readonly record: number
  readonly prediction: Prediction
  readonly events: UnitEvents
}

/** By request id, or by the hash of a key: that finds the record of its unit in the latest attempt. */
export type PredictionQuery =
  | { readonly service: string | null; readonly requestId: string }
  | { readonly service: string | null; readonly unit: number }

/** What a query leads to; `joined` = its label has come already. */
export type PredictionLookup =
  | ({ readonly found: 'pending' | 'joined' } & PredictionRecord)
  | { readonly found: 'ambiguous'; readonly services: readonly string[] }
  | { readonly found: 'none' }

/** What a slice of feedback is about to count, and what slices before it have changed. */
export type FeedbackChange = {
  /** Predictions whose label came. */
  readonly labels: readonly (RecordPlace & { readonly label: number })[]
  /** Units that events reached. */
  readonly events: readonly (RecordPlace & {
    /** How many events it had when they were looked at. */
    readonly before: number
    /** All that events have said of it by now; more than `before`. */
    readonly events: UnitEvents
  })[]
  /** Tallies of stored cohorts, or of shares of published ones. What is gone meanwhile stays gone. */
  readonly tallies: readonly ChangedTallies[]
}

/** What was taken, in the order asked: the record is there, and has no label yet, or no event that was not seen. */
export type TakenFeedback = {
  readonly labels: readonly boolean[]
  readonly events: readonly boolean[]
}

/** Which record is meant: `at` tells it from a later one in the same place. */
export type RecordPlace = Pick<PredictionRecord, 'record'> & {
  readonly prediction: Pick<Prediction, 'at'>
}

/** The tallies of one cohort that feedback may change, as they are now. */
export type ChangedTallies = {
  readonly service: string
  readonly rollout: string
  readonly cohort: number
  /** Whose share it is; absent = the cohort itself. */
  readonly replica?: string
  readonly tallies: Readonly<Record<string, Tally>>
}

/** The part of the port that replicas share cohorts through: each engine builds it in a file of its own. */
export type ReplicaStore = Pick<
  Store,
  | 'publish'
  | 'readPublications'
  | 'readOpenings'
  | 'report'
  | 'readReports'
  | 'forgetReplica'
  | 'readShares'
  | 'claimUnits'
>

/** The part of the port that commands go through to the process that decides: each engine builds it in a file of its own. */
export type OrderStore = Pick<
  Store,
  'putOrder' | 'takeOrders' | 'withdrawOrder' | 'answerOrder' | 'readAnswer'
>

/** The part of the port that the join of feedback lives by: each engine builds it in a file of its own. */
export type PredictionStore = Pick<
  Store,
  'putPredictions' | 'findPredictions' | 'commitFeedback' | 'expirePredictions'
>
