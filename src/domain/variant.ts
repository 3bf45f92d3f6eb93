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
  /** How its upstreams are asked whether they are well; null = by connecting to them. */
  readonly health: HealthCheckSpec | null
  /** Most requests at its upstreams at once; null = as many as come. */
  readonly maxInFlight: number | null
  /** Where requests wait when `maxInFlight` is reached; null = they are refused. */
  readonly queue: { readonly max: number; readonly timeoutMs: number } | null
  /** When an upstream that fails is left out for a while; null = never. */
  readonly eject: EjectSpec | null
  /** How long an upstream that came back gets less than its share; 0 = it gets it at once. */
  readonly slowStartMs: number
  /** How https upstreams are verified and how we show ourselves; null = by the system's authorities. */
  readonly tls: UpstreamTls | null
}

/** An active health check: GET `path` every `intervalMs`, 2xx is good; more often until it was healthy once. */
export type HealthCheckSpec = {
  readonly path: string
  readonly intervalMs: number
  /** Failed checks in a row that make an upstream unhealthy. */
  readonly unhealthyAfter: number
  /** Good checks in a row that make it healthy again. */
  readonly healthyAfter: number
}

/** Passive ejection: after so many failures in a row, for `baseMs`, then twice as long, at most `maxMs`. */
export type EjectSpec = {
  readonly consecutiveFailures: number
  readonly baseMs: number
  readonly maxMs: number
}

/** Files in PEM, as absolute paths, and the name to verify; null = the usual. */
export type UpstreamTls = {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
  readonly servername: string | null
}

/** Limits of one attempt's phases, and of connections between them, in milliseconds; null switches a phase's limit off. */
export type VariantTimeouts = {
  readonly connectMs: number
  readonly firstByteMs: number
  readonly idleMs: number
  readonly totalMs: number | null
  /** How long a connection is kept without a request; null = as usual, or as the server says. */
  readonly keepAliveMs: number | null
}

/** The variant that serves when nothing else was decided. */
export const BASELINE = 'baseline'

/** The variant that a rollout moves. */
export const CANARY = 'canary'
