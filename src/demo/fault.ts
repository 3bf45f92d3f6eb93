import type { Random } from './seeded-random.ts'

/** How a model server breaks: healthy for a while, then unable to answer most requests. */
export type FaultPlan = {
  /** Milliseconds of healthy service, counted from the first request. */
  readonly afterMs: number
  /** Share of requests that fail from then on. */
  readonly share: number
}

/**
 * Decides request by request whether the server fails, on a monotonic clock in milliseconds. Calls
 * `onOnset` once, at the first request that fails.
 */
export function createFault(
  plan: FaultPlan,
  monotonic: () => number,
  random: Random,
  onOnset: () => void,
): () => boolean {
  let firstRequestAt: number | null = null
  let broken = false
  return () => {
    const now = monotonic()
    firstRequestAt ??= now
    if (now - firstRequestAt < plan.afterMs || random() >= plan.share) return false
    if (!broken) {
      broken = true
      onOnset()
    }
    return true
  }
}
