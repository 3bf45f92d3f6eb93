import type { UpstreamCount } from '../domain/faults.ts'
import type { Variant } from '../domain/variant.ts'
import type { Admission } from './admission.ts'
import type { Budget } from './budget.ts'
import type { Tenancy } from './tenancy.ts'
import type { Upstream } from './upstream.ts'

/** Where the requests of one variant go. */
export type VariantTarget = {
  readonly variant: Variant
  /** The service's path pattern: what `variant.path` replaces. */
  readonly matchPath: string
  /** At least one. */
  readonly upstreams: readonly Upstream[]
  /** Held by every request that was given to it, from its assignment to its end. */
  readonly tenancy: Tenancy
  readonly admission: Admission
  readonly retries: Budget
}

/**
 * Takes in how an attempt ended for the upstream. After too many failures in a row it is ejected, unless it
 * is the last one that is available. Returns for how long it was, in ms; 0 = it was not.
 */
export function judgeUpstream(
  target: VariantTarget,
  upstream: Upstream,
  failed: boolean,
  now: number,
): number {
  if (!failed) {
    upstream.succeeded()
    return 0
  }
  if (!upstream.failed(now)) return 0
  const hasOther = target.upstreams.some((u) => u !== upstream && u.isAvailable(now))
  return hasOther ? upstream.eject(now) : 0
}

/** Whether a variant can answer, and for how long it could not, after it could (ms). */
export function readinessOf(
  upstreams: readonly Upstream[],
  now: number,
): { readonly ready: boolean; readonly downForMs: number; readonly upstreams: UpstreamCount } {
  const healthy = upstreams.filter((u) => u.health === 'up').length
  const count = { healthy, all: upstreams.length }
  if (healthy > 0) return { ready: true, downForMs: 0, upstreams: count }
  const downs = upstreams.map((u) => u.downForMs(now)).filter((ms) => ms !== null)
  return { ready: false, downForMs: downs.length === 0 ? 0 : Math.min(...downs), upstreams: count }
}
