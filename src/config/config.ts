import type { Service } from '../domain/service.ts'

/** A checked configuration, units resolved and defaults filled in. Immutable; a reload makes a new one. */
export type Config = {
  /** Where it was read from; null = built in the process. */
  readonly file: string | null
  /** First 12 hex digits of the SHA-256 of what was decided by it; stands in every decision. */
  readonly hash: string
  /** The checked file as it was written, with its variables filled in: for telling what changed. Holds secrets. */
  readonly written: unknown
  readonly gateway: GatewayConfig
  readonly admin: AdminConfig
  readonly store: StoreConfig
  /** Absolute path of the file with the last weights; beside a store in Redis alone. */
  readonly lastWeights: string
  readonly feedback: FeedbackConfig
  /** Origin for requests that belong to no service; null = 404. */
  readonly passthrough: string | null
  readonly services: readonly Service[]
}

/** Where rollouts, decisions and evidence are kept. */
export type StoreConfig = { readonly engine: 'lmdb'; readonly path: string } | RedisStoreConfig

/** A store in Redis: where it is, how to get in, what its keys begin with. */
export type RedisStoreConfig = {
  readonly engine: 'redis'
  readonly tls: boolean
  /** The server; with `sentinel` the sentinels. */
  readonly servers: readonly Listen[]
  /** Name of the master that the sentinels watch; null = there are none. */
  readonly sentinel: string | null
  readonly db: number
  readonly username: string | null
  readonly password: string | null
  readonly prefix: string
  /** Absolute path of a file with the certificates to trust, PEM; null = those that Node.js trusts. */
  readonly ca: string | null
}

/** Where a port is opened; port 0 = any free one. */
export type Listen = { readonly host: string; readonly port: number }

/** The data port: where it listens, whom it believes, what it bounds, how it ends. */
export type GatewayConfig = {
  readonly listen: Listen
  /** Processes that share the port; `auto` = as many as cores may be used. */
  readonly workers: number | 'auto'
  /** Its certificate and key, as absolute paths of files in PEM; null = it speaks plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** CIDRs whose X-Forwarded-* are kept. */
  readonly trustedProxies: readonly string[]
  /** Path on the data port that answers with the readiness status. */
  readonly healthPath: string
  /** Whether answers name the variant that gave them. */
  readonly variantHeader: boolean
  readonly limits: {
    readonly bodyBytes: number
    readonly headerBytes: number
    readonly inFlight: number
  }
  readonly drain: {
    readonly waitMs: number
    readonly deadlineMs: number
    readonly streamsMs: number
  }
  /** Share of access-log lines that are written (errors always are), as a fraction of 1. */
  readonly accessSample: number
}

/** The admin port and who may use it. */
export type AdminConfig = { readonly listen: Listen; readonly tokens: readonly AdminToken[] }

/** What a token is for: reading, changing rollouts, posting feedback. */
export const SCOPES = ['read', 'operate', 'feedback'] as const

/** One of the scopes. */
export type Scope = (typeof SCOPES)[number]

/** `name` is the actor in the decision log. `expiresAt` in ms since the epoch (end of that day, UTC). */
export type AdminToken = {
  readonly name: string
  readonly token: string
  readonly scopes: readonly Scope[]
  /** The services that it may change and send feedback for; null = all, and what is about all. */
  readonly services: readonly string[] | null
  readonly expiresAt: number | null
}

/** How many predictions wait for labels, in how many bytes, for how long. */
export type FeedbackConfig = {
  readonly maxPending: number
  readonly maxBytes: number
  readonly retentionMs: number
}
