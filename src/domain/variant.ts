/** A version that can answer a service's requests. */
export type Variant = {
  /** `baseline`, `canary`, or a further name. */
  readonly name: string
  /** The model's version as the user writes it; differs between the variants of a service. */
  readonly version: string
  /** Origins (`http://10.0.0.1:8000`) of the servers that answer for this variant; at least one. */
  readonly upstreams: readonly string[]
  /** Replaces the matched path (`/v2/models/b/*`); null leaves the path's bytes as they came. */
  readonly path: string | null
  readonly timeout: VariantTimeouts
}

/** Limits of one attempt's phases, in milliseconds; null switches the phase's limit off. */
export type VariantTimeouts = {
  readonly connectMs: number
  readonly firstByteMs: number
  readonly idleMs: number
  readonly totalMs: number | null
}

/** The variant that serves when nothing else was decided. */
export const BASELINE = 'baseline'

/** The variant that a rollout moves. */
export const CANARY = 'canary'
