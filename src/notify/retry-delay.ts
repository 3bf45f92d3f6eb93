/** Before the first repetition, in ms; twice as long each time after that. */
const FIRST_MS = 1000

/** Longest time between two attempts at a webhook, in ms. */
export const LONGEST_RETRY_MS = 300_000

/**
 * How long to wait after the n-th failure in a row (from 1), in ms: exponential backoff of which half is
 * drawn (`draw` in [0, 1)), so that gateways which failed together do not come back together.
 */
export function retryDelayMs(failures: number, draw: number): number {
  const span = Math.min(LONGEST_RETRY_MS, FIRST_MS * 2 ** (failures - 1))
  return span / 2 + (span / 2) * draw
}
