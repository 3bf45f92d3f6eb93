import { Pool } from 'undici'
import type { Service } from '../domain/service.ts'
import type { Variant } from '../domain/variant.ts'

/** One server of a variant, with its connections. Shared by the variants that name it. */
export type Upstream = {
  /** As configured: `http://10.0.0.1:8000`. */
  readonly origin: string
  readonly pool: Pool
  /** Attempts that have not ended yet. */
  inFlight: number
}

/** Where the requests of one variant go. */
export type VariantTarget = {
  readonly variant: Variant
  /** The service's path pattern: what `variant.path` replaces. */
  readonly matchPath: string
  /** At least one. */
  readonly upstreams: readonly Upstream[]
  /**
   * undici's own timeout, far behind ours: it ends what a mistake of ours would leave hanging. The same
   * for the head and the body: a change of it costs undici a timer object that lives for half a second.
   */
  readonly backstopMs: number
}

/** The connections to all upstreams of one configuration. */
export type Upstreams = {
  /** By service name, then by variant name. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, VariantTarget>>
  /** Takes no further request and resolves when the last one has ended. */
  readonly close: () => Promise<void>
  /** Breaks off what is running. */
  readonly destroy: () => Promise<void>
}

/**
 * How long an idle connection is kept. Shorter than what servers allow (uvicorn and Node 5 s), so that a
 * request seldom meets a connection which is just being closed (RFC 9112 section 9.3.1).
 */
const KEEP_ALIVE_MS = 4_000

const BACKSTOP_FACTOR = 2
const BACKSTOP_MARGIN_MS = 10_000

/** undici's timers take 32 bits. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Opens (lazily) one pool per origin and connect timeout. Connections are not bounded here, so that undici
 * never queues: `gateway.limits.inFlight` bounds them. Certificates of https upstreams are verified.
 */
export function createUpstreams(services: readonly Service[]): Upstreams {
  const shared = new Map<string, Upstream>()
  const targets = new Map(
    services.map((service) => [
      service.name,
      new Map(service.variants.map((v) => [v.name, buildTarget(service, v, shared)])),
    ]),
  )
  const pools = [...shared.values()].map(({ pool }) => pool)
  return {
    targets,
    close: async () => {
      await Promise.all(pools.map(async (pool) => (pool.closed ? undefined : pool.close())))
    },
    destroy: async () => {
      await Promise.all(pools.map(async (pool) => pool.destroy()))
    },
  }
}

/**
 * The less loaded of two upstreams taken at random ("power of two choices": Mitzenmacher, The Power of Two
 * Choices in Randomized Load Balancing, 2001). `draw`: uniform in [0, 1); not called for a single upstream.
 */
export function pickUpstream(upstreams: readonly Upstream[], draw: () => number): Upstream {
  if (upstreams.length === 1) return upstreams[0]!
  const first = Math.floor(draw() * upstreams.length)
  // Of the others, so that two different ones are compared.
  const other = Math.floor(draw() * (upstreams.length - 1))
  const one = upstreams[first]!
  const two = upstreams[other < first ? other : other + 1]!
  return two.inFlight < one.inFlight ? two : one
}

function buildTarget(
  service: Service,
  variant: Variant,
  shared: Map<string, Upstream>,
): VariantTarget {
  const { connectMs, firstByteMs, idleMs } = variant.timeout
  return {
    variant,
    matchPath: service.match.path,
    upstreams: variant.upstreams.map((origin) => {
      const key = `${connectMs} ${origin}`
      const known = shared.get(key)
      const upstream = known ?? { origin, pool: createPool(origin, connectMs), inFlight: 0 }
      shared.set(key, upstream)
      return upstream
    }),
    backstopMs: behind(Math.max(firstByteMs, idleMs)),
  }
}

function createPool(origin: string, connectMs: number): Pool {
  return new Pool(origin, {
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: behind(connectMs) },
  })
}

function behind(ms: number): number {
  return Math.min(Math.ceil(ms * BACKSTOP_FACTOR) + BACKSTOP_MARGIN_MS, LONGEST_TIMEOUT_MS)
}
