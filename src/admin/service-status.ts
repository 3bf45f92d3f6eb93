import type { Service } from '../domain/service.ts'
import type { RolloutView } from '../rollout/view.ts'

/** A service as it runs now: its configuration, its weights, its figures and its rollout. */
export type ServiceStatus = {
  readonly service: Service
  /** By variant name; sums to 10,000. */
  readonly weightsBp: Readonly<Record<string, number>>
  /** By variant name. */
  readonly variants: Readonly<Record<string, VariantFigures>>
  /** Null: the service has no rollout (fixed weights), or its rollout was not read from the store yet. */
  readonly rollout: RolloutView | null
}

/** What a variant did since this process started. */
export type VariantFigures = {
  readonly requests: number
  /** Requests with the outcome `failed`. */
  readonly errors: number
  /** Milliseconds; null before the first answer. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly upstreams: number
  /** How many of the upstreams are healthy. */
  readonly healthy: number
}
