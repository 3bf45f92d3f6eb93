import type { Cohort, Pair } from './cohort.ts'
import type { Cause } from './faults.ts'
import type { PlaceCount } from './key-places.ts'
import type { PairCounts, PairMoments } from './pairs.ts'
import type { LabelArrivals } from './verdict.ts'

/** What the replica that decides opens a cohort with: all that another one needs to take part in it. */
export type CohortOpening = Pick<
  Cohort,
  'number' | 'rollout' | 'step' | 'pi' | 'epoch' | 'judged' | 'openedAt' | 'mirrored' | 'terms'
>

/** The part of a cohort that adds up over replicas. */
export type CohortSums = Pick<Cohort, 'assigned' | 'observed' | 'segments' | 'tallies'>

/** What one replica has seen of a cohort; a later one of the same replica takes its place. */
export type CohortShare = CohortSums & {
  readonly service: string
  readonly rollout: string
  readonly cohort: number
  readonly replica: string
  /** Keys that it judged first. */
  readonly newUnits: readonly number[]
  /** Of a mirrored cohort: its pairs; absent where it has only had feedback of others' pairs. */
  readonly pairs?: PairCounts
}

/** What the replica that decides tells of a service's cohorts; the next one of the service takes its place. */
export type Publication = {
  readonly service: string
  readonly rollout: string
  /** What a replica must agree on to take part; see `sharingKey`. */
  readonly sharingKey: string
  /** The cohort that is open now; null = none. */
  readonly cohort: CohortOpening | null
  /** How long one may stay open where nothing newer is heard, in milliseconds. */
  readonly leaseMs: number
  /** Number of the cohort that was published before; null = none of this attempt. */
  readonly previous: number | null
  /** Cohorts that were not published when they opened: for feedback alone. */
  readonly earlier: readonly CohortOpening[]
  /** The last cohort that each hypothesis has folded, by its id. */
  readonly folded: Readonly<Record<string, number>>
  /** Cohorts up to this number are folded by all of them. */
  readonly through: number
}

/** What a replica that follows says of itself, again and again. */
export type ReplicaReport = {
  readonly replica: string
  /** Grows with every report: who is silent for some seconds is taken for gone. */
  readonly beat: number
  /** Version of the last publication that it knew when it said so: it has opened no later cohort. */
  readonly seen: number
  /** Cohorts that it has opened and whose share is not stored yet. */
  readonly owes: readonly (readonly [service: string, cohort: number])[]
  /** Services that it cannot take part in: it runs with another configuration of theirs. */
  readonly differs: readonly string[]
  /** What it has learnt of values that are to be judged; each is frozen once the leader has taken it. */
  readonly learnt: readonly LearntTerms[]
  /** Rollouts whose canary it gives nothing any more, by itself. */
  readonly trips: readonly BreakerTrip[]
  /** What it has counted so far of the steps that absolute limits are read from. */
  readonly steps: readonly StepShare[]
  /** How canaries failed on it in the attempts that run; absent where an earlier version says it. */
  readonly faults?: readonly FaultShare[]
  /** Labels that have joined requests on it since it began; absent where an earlier version says it. */
  readonly labelled?: readonly (readonly [service: string, labels: number])[]
  /** What its pairs have said in the attempts whose mirror steps run; absent where an earlier version says it. */
  readonly pairs?: readonly PairFigures[]
}

/** How the canary of one attempt failed on one replica, overrides left out. */
export type FaultShare = {
  readonly service: string
  readonly rollout: string
  readonly byCause: readonly (readonly [cause: Cause, count: number])[]
  /** Answers with a 4xx that is no failure. */
  readonly clientErrors: readonly (readonly [status: number, count: number])[]
  /** Labels that have joined requests of the attempt there; absent = none have, or an earlier version says it. */
  readonly labels?: LabelArrivals
}

/** What one replica's requests of a step came to, overrides left out; grows until the step is another one. */
export type StepShare = {
  readonly service: string
  readonly rollout: string
  /** Of the state that the step is known by. */
  readonly step: number
  readonly enteredAt: number
  readonly weightBp: number
  readonly requests: Pair
  readonly failures: Pair
  /** The same by weight: old ones fade. Absent where an earlier version says it. */
  readonly recent?: {
    readonly requests: Pair
    readonly failures: Pair
    readonly places?: SharedPlaces
  } & StepTimesShare
  /** Absent where no request has a key, or an earlier version says it: each counts as one of its own. */
  readonly places?: SharedPlaces
} & StepTimesShare

/** How long requests of a step took: by side, the buckets of `LogHistogram` that hold anything. */
export type StepTimesShare = {
  /** Until the last byte of the answer; absent where no limit is on a latency. */
  readonly latencies?: readonly [baseline: LatencyCounts, canary: LatencyCounts]
  /** Until the first byte of its body; absent where no limit is on that, and where an earlier version says it. */
  readonly firstBytes?: StepTimesShare['latencies']
}

/** What is counted by the place of a key, by side. */
export type SharedPlaces = {
  /** None where no limit is on failures. */
  readonly failed: PlacesBySide
  /** Those whose last byte came after a limit, by its milliseconds. */
  readonly slow: readonly (readonly [limitMs: number, counts: PlacesBySide])[]
  /** The same of the first byte of a body; absent where no limit is on that. */
  readonly slowFirstBytes?: SharedPlaces['slow']
}

type PlacesBySide = readonly [baseline: readonly PlaceCount[], canary: readonly PlaceCount[]]

/**
 * What the pairs of one attempt have come to on one replica so far. Terms of later cohorts are made from it, and limits
 * are read from it; it is no evidence.
 */
export type PairFigures = {
  readonly service: string
  readonly rollout: string
  /** Index of the mirror step that the times `inStep` are of. */
  readonly step: number
  /** What labels have said, by the id of the test. */
  readonly labels: Readonly<Record<string, PairMoments>>
  /** Empty where nothing is asked of latencies. */
  readonly times: readonly PairTimesShare[]
  /** The same to the first byte of their bodies; absent where nobody asks, and where an earlier version says it. */
  readonly firstBytes?: readonly PairTimesShare[]
}

/** How long both sides took to the head of their answers (or the first byte of their bodies), in the buckets of `LogHistogram` that hold anything. */
export type PairTimesShare = {
  /** Null: of all pairs. */
  readonly segment: string | null
  /** The baseline's lately: old ones fade. */
  readonly baseline: LatencyCounts
  readonly inStep: readonly [baseline: LatencyCounts, canary: LatencyCounts]
}

type LatencyCounts = readonly (readonly [bucket: number, count: number])[]

/** What the first values of one attempt have taught a replica. */
export type LearntTerms = {
  readonly service: string
  readonly rollout: string
  /** By metric name. */
  readonly caps: Readonly<Record<string, number>>
  /** By id of drift hypothesis. */
  readonly bins: Readonly<Record<string, readonly number[]>>
}

/** Whose requests of one service are evidence, as the replica that decides knows it. */
export type ServiceReplicas = {
  /** How many take part, the one that decides included. */
  readonly contributing: number
  /** Names of those that are there and do not: they run with another configuration of the service. */
  readonly differing: readonly string[]
}

/** Who decides on a store: this process, another one, or nobody that is known of. */
export type Lead = 'here' | 'elsewhere' | 'unknown'

/** What this process is to a service that somebody decides on. */
export type Deciding = {
  readonly lead: Lead
  /** Name of the other process that decides; null = none does, or which one is not known yet. */
  readonly holder: string | null
  /** That one decides by another configuration of the service: nothing that is served here is evidence. */
  readonly differs: boolean
}

/** A replica's own breaker has tripped, or an operator has aborted on it while it could not ask the store. */
export type BreakerTrip = {
  readonly service: string
  readonly rollout: string
  /** Revision of the state that it tripped in. */
  readonly revision: number
  readonly summary: string
  /** Who aborted, and the reason that was given; absent = it was the breaker. */
  readonly abort?: { readonly actor: string; readonly note: string | null }
}
