/** Attempts of one variant and how many of them failed, in the breaker's span. */
export type AttemptCount = { readonly attempts: number; readonly failures: number }

/** Attempts of the canary before the breaker can speak, and in the first seconds after a start. */
const MIN_ATTEMPTS = 50
const MIN_ATTEMPTS_WARM_UP = 10
/** Baseline attempts below which its rate in the span says nothing. */
const MIN_BASELINE_ATTEMPTS = 20
/** A shared outage raises both rates: the canary must be worse by this factor. */
const TIMES_BASELINE = 2

/**
 * Whether the canary is broken so plainly that no statistics is needed: at least `share` of its
 * attempts failed, of at least 50 (10 in warm-up), and at twice the baseline's rate or more in the
 * same span. A baseline with under 20 attempts there is taken at its last known rate, at 0 when there
 * is none. Crude, fast, and outside the error budget α. The span (the last 50 attempts or 10 seconds,
 * whichever is more) is the caller's.
 */
export function breakerTrips(input: {
  readonly canary: AttemptCount
  readonly baseline: AttemptCount
  /** The baseline's failure rate when it last had traffic; null = never. */
  readonly baselineLastRate: number | null
  /** In (0, 1]. */
  readonly share: number
  readonly warmUp: boolean
}): boolean {
  const { canary, baseline } = input
  if (canary.attempts < (input.warmUp ? MIN_ATTEMPTS_WARM_UP : MIN_ATTEMPTS)) return false
  const canaryRate = canary.failures / canary.attempts
  const baselineRate =
    baseline.attempts < MIN_BASELINE_ATTEMPTS
      ? (input.baselineLastRate ?? 0)
      : baseline.failures / baseline.attempts
  return canaryRate >= input.share && canaryRate >= TIMES_BASELINE * baselineRate
}
