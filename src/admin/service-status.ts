import type { Deciding, ServiceReplicas } from '../domain/replica.ts'
import type { Service } from '../domain/service.ts'
import type { LabelSilence } from '../metrics/label-pulse.ts'
import type { ComparedPair, Disagreement, MirrorResult } from '../metrics/mirror-book.ts'
import type { ExperimentView } from '../rollout/experiment-view.ts'
import type { RolloutView } from '../rollout/view.ts'

/** A service as it runs now: its configuration, its weights, its figures and its rollout. */
export type ServiceStatus = {
  readonly service: Service
  /** By variant name; sums to 10,000. */
  readonly weightsBp: Readonly<Record<string, number>>
  /** By variant name. */
  readonly variants: Readonly<Record<string, VariantFigures>>
  /** By variant name: the names of its upstreams that this process cannot look up; without those that have none. */
  readonly failingNames: Readonly<Record<string, readonly FailingName[]>>
  /** By the name of the variant that gets the copies. */
  readonly mirrors: Readonly<Record<string, MirrorFigures>>
  /** The rules in their order, then what none of them matched; empty where there is no rule. */
  readonly rules: readonly RuleStatus[]
  readonly keys: KeyCounts
  /** Null: the service has no rollout (fixed weights), or its rollout was not read from the store yet. */
  readonly rollout: RolloutView | null
  /** Null: the service has no fixed split. */
  readonly experiment: ExperimentView | null
  /** Whose requests are evidence; null where nothing is judged, or another process decides. */
  readonly replicas: ServiceReplicas | null
  /** Who decides; null where nothing is decided. */
  readonly deciding: Deciding | null
  /** Labels that do not come, as far as this process knows; null = they do, or it is another one's to know. */
  readonly labelSilence: LabelSilence | null
  /** What is wrong with the gateway itself (its certificate, its connections, its clock), a sentence each. */
  readonly trouble: readonly string[]
  /** What the store has not taken up of its configuration, as a sentence; null = nothing. */
  readonly untaken: string | null
  /** A rollback that is in force here and that the store does not have, as a sentence; null = there is none. */
  readonly unstored: string | null
}

/** Requests since the service has its configuration, and those of them without the key that `split.key` asks for. */
export type KeyCounts = { readonly requests: number; readonly missing: number }

/** A name of upstreams while it cannot be looked up. */
export type FailingName = {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The resolver's code. */
  readonly why: string
  /** Where it led last, which stays in force; empty: it was never found. */
  readonly addresses: readonly string[]
}

/** What a variant did since this process started, or since it has this version; whatever the attempt. */
export type VariantFigures = {
  readonly requests: number
  /** Requests with the outcome `failed` or `no_answer`. */
  readonly errors: number
  /** Requests that its door turned away (`maxInFlight`, `queue`): no fault of its answers, so no errors. */
  readonly rejected: number
  /** Requests whose client left before an answer: no errors, but the breaker judges by them. */
  readonly left: number
  /** Requests under way now: a server that takes requests and never answers shows here before anywhere else. */
  readonly inFlight: number
  /** Of late, the older the less; milliseconds; null before the first answer. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly upstreams: number
  /** How many of the upstreams are healthy. */
  readonly healthy: number
}

/** What the requests of one rule came to. */
export type RuleStatus = {
  /** The conditions of the rule; null = no rule matched, and a draw decided. */
  readonly rule: string | null
  /** By the variant that answered. */
  readonly variants: Readonly<
    Record<
      string,
      Pick<VariantFigures, 'requests' | 'errors' | 'p50Ms' | 'p95Ms' | 'p99Ms'> & {
        /** Metrics of labels by name, with how many labels they were read from; those that have none are left out. */
        readonly metrics: Readonly<Record<string, { readonly value: number; readonly n: number }>>
      }
    >
  >
}

/** What a mirror did since this process started, or since its variant has this version. */
export type MirrorFigures = {
  /** Copies under way. */
  readonly inFlight: number
  /** Copies that have ended, or were never sent, by what became of them. */
  readonly results: Readonly<Record<MirrorResult, number>>
  /** When the last answer came that was `ok`, in milliseconds since the epoch; null = none has. */
  readonly lastOkAt: number | null
  /** From the sending of a copy to the end of its answer; null before the first answer. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  /** Pairs of answers that were compared, and those that could not be. */
  readonly pairs: number
  readonly unread: number
  readonly disagreements: Readonly<Record<Disagreement, number>>
  /** Means over all pairs of the time to the answer's head; null before the first pair. */
  readonly liveHeadMs: number | null
  readonly mirrorHeadMs: number | null
  /** The last ones, oldest first. */
  readonly lastDisagreed: readonly ComparedPair[]
}
