/** A worker that ends sooner than this after its start is taken to be unable to run. */
export const STEADY_MS = 10_000

const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/**
 * How long a place stays empty, in milliseconds, before its worker is started anew: nothing after a worker
 * that ran for a while, then 1 s, and twice as long each time up to 30 s. `failures` are those in a row
 * that did not, before this one.
 */
export function restartDelayMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS)
}
