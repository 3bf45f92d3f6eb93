import type { NotifySpec } from './notify.ts'
import type { AnalysisSpec, MetricSpec, RolloutSpec } from './rollout-spec.ts'
import type { Variant } from './variant.ts'

/** One model endpoint that callers know, as the configuration describes it (units resolved). */
export type Service = {
  readonly name: string
  readonly match: ServiceMatch
  /** Inference without side effects: the same request may be sent again. */
  readonly idempotent: boolean
  /** The baseline first, then the canary if there is one, then further names in the file's order. */
  readonly variants: readonly Variant[]
  readonly split: SplitSpec
  /** At most one per variant; empty = no request is copied. */
  readonly mirrors: readonly MirrorSpec[]
  readonly observe: ObserveSpec
  /** Statuses that are the variant's failure; null = 500 and above. */
  readonly failureStatuses: readonly number[] | null
  /**
   * RFC 6901 pointer to what an event at the end of a stream has where it has failed; absent = a stream that came to its
   * end is judged by its status.
   */
  readonly streamError?: string
  /** Null: the fixed weights of the split hold. */
  readonly rollout: RolloutSpec | null
  /** By what the variants of the fixed weights are compared with the baseline; absent = they are not. */
  readonly experiment?: AnalysisSpec
  /** Metrics that are shown by rule where nothing is compared; absent = none are. */
  readonly shown?: readonly MetricSpec[]
  /** Who hears of its decisions; no two have the same URL. */
  readonly notify: readonly NotifySpec[]
}

/** What a service's variants are compared by, in a rollout or an experiment; null = they are not. */
export function analysisOf(service: Pick<Service, 'rollout' | 'experiment'>): AnalysisSpec | null {
  return service.rollout?.analysis ?? service.experiment ?? null
}

/** The metrics of a service that are judged, or only shown. */
export function shownMetricsOf(
  service: Pick<Service, 'rollout' | 'experiment' | 'shown'>,
): readonly MetricSpec[] {
  return analysisOf(service)?.metrics ?? service.shown ?? []
}

/** Which requests belong to a service. */
export type ServiceMatch = {
  /** A literal path, or a prefix ending in `/*` that also matches the prefix with a bare `/`. */
  readonly path: string
  /** Upper case; null allows every method. */
  readonly methods: readonly string[] | null
  /** Lower case, without port; null allows every host. */
  readonly host: string | null
}

/** How the requests of a service are shared out. */
export type SplitSpec = {
  /** What assignment sticks to; null = a fresh draw per request. */
  readonly key: FieldSource | null
  /** A key's own value, from 0 to 1, decides where it goes; absent = its hash does. */
  readonly coin?: 'value'
  /** First match wins. */
  readonly rules: readonly RuleSpec[]
  /** Fixed weights in basis points of the variants named; the baseline has the rest. */
  readonly weightsBp: Readonly<Record<string, number>>
  readonly override: { readonly header: string; readonly secret: string } | null
}

/** Where a value is read from. Header and cookie names are lower case / as written; pointers are RFC 6901. */
export type FieldSource =
  | { readonly from: 'header'; readonly name: string }
  | { readonly from: 'cookie'; readonly name: string }
  | { readonly from: 'query'; readonly name: string }
  | { readonly from: 'body'; readonly pointer: string }
  | { readonly from: 'ip' }

/** A key-based split: when every condition holds, the rule's variant answers, or its own coin decides. */
export type RuleSpec = {
  readonly when: readonly RuleCondition[]
  readonly then:
    | { readonly variant: string }
    | { readonly weightsBp: Readonly<Record<string, number>> }
}

/** One condition of a rule on one field. A field that is absent or cannot be read never matches. */
export type RuleCondition = { readonly field: FieldSource } & (
  | { readonly test: 'in'; readonly values: readonly string[] }
  | {
      readonly test: 'range'
      readonly gte: number | null
      readonly gt: number | null
      readonly lt: number | null
      readonly lte: number | null
    }
  | { readonly test: 'prefix'; readonly prefix: string }
)

/** A standing mirror: a variant gets copies of a service's requests, and nobody waits for its answers. */
export type MirrorSpec = {
  /** The variant that gets them; never the baseline. */
  readonly to: string
  /** Share of the requests that are copied, in (0, 1]; one draw per request and mirror. */
  readonly share: number
  /** Requests with a larger body are not copied. */
  readonly maxBytes: number
  /** How far two predicted numbers may differ and still agree, as a fraction of the larger one. */
  readonly tolerance: number
}

/** What is read from requests and answers beside the split's key. */
export type ObserveSpec = {
  /** Lower-case name of the header that carries the request id; generated when absent, always echoed. */
  readonly requestIdHeader: string
  /** RFC 6901 pointer into a JSON answer to the predicted number; null = predictions are not read. */
  readonly prediction: string | null
  /** Share of the requests whose predictions are read, in (0, 1]; drawn before the answer is known. */
  readonly sample: number
  /** Pointers into the answer whose numbers metrics are means of. */
  readonly numbers: readonly string[]
  /** Requests are remembered for the events that metrics count. */
  readonly awaitsEvents: boolean
  /** Absent: requests are not told apart. */
  readonly segment?: SegmentSpec
}

/** By which field of the request metrics are judged apart. */
export type SegmentSpec = {
  readonly from: FieldSource
  /** The segments; every other value, and none, is `other`. */
  readonly values: readonly string[]
}

/** The segment of requests that name none of the configured ones. */
export const OTHER_SEGMENT = 'other'
