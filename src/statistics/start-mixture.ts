/** Start points of one attempt, the first one included; the shares of the mixture are fixed by it. */
export const MAX_STARTS = 16

/**
 * Log-evidence over all start points: half of the stake on the process since the beginning, the other
 * half in equal parts on those that begin later, each of which is worth its stake (E = 1) until then.
 * A harm that begins late is so found without waiting until a healthy past is outweighed; the mixture
 * is an e-process because start points and shares do not depend on what comes after them.
 * The idea is that of e-detectors (Shin, Ramdas and Rinaldo, arXiv 2203.03532), with finite α.
 *
 * `byStart`: log-evidence by start point, the first at index 0; those missing have not begun. Throws
 * where there are more than `maxStarts`.
 */
export function mixStarts(byStart: readonly number[], maxStarts = MAX_STARTS): number {
  if (byStart.length < 1 || byStart.length > maxStarts)
    throw new Error(`from 1 to ${maxStarts} start points can be mixed, found ${byStart.length}`)
  const begun = byStart.length
  const later = Math.log(0.5 / (maxStarts - 1))
  const first = byStart[0]! + Math.log(0.5)
  // The logSumExp of all stakes, without an array of them: most have not begun and are worth the same.
  let largest = begun < maxStarts ? Math.max(first, later) : first
  for (let start = 1; start < begun; start += 1)
    largest = Math.max(largest, byStart[start]! + later)
  if (!Number.isFinite(largest)) return largest
  let sum = Math.exp(first - largest)
  for (let start = 1; start < begun; start += 1) sum += Math.exp(byStart[start]! + later - largest)
  const waiting = Math.exp(later - largest)
  for (let start = begun; start < maxStarts; start += 1) sum += waiting
  return largest + Math.log(sum)
}

/**
 * The same where the processes live on different information, as those of keys do: each counts a key's first event since its own
 * start point, with the variant that the key keeps, so that what a later one bets on an earlier one may have seen. Then no
 * inequality holds of their sum, but the union bound does: that any stake ever reaches 1/α by itself, where process k has the
 * share w of the whole, has a probability of at most Σ wα = α, however they depend on each other. So the largest stake
 * counts, and not their sum. (Ville's inequality for each; Boole's for all of them.)
 */
export function largestStake(byStart: readonly number[], maxStarts = MAX_STARTS): number {
  const later = Math.log(0.5 / (maxStarts - 1))
  return Math.max(...byStart.map((log, start) => log + (start === 0 ? Math.log(0.5) : later)))
}

/** Start points at regular times. */
export type StartBlocks = {
  /** How many of them there will be. */
  readonly blocks: number
  /** Time between two of them, a whole number of cohorts; Infinity where there are none. */
  readonly blockMs: number
}

/** Those beside phase changes: on the way, and in a watch that something is held back in. */
export type StartPlan = StartBlocks & { readonly watch: StartBlocks }

/**
 * Spreads the start points that phase changes leave over `maxDurationMs`. Reserving those places from
 * the beginning keeps the total within `MAX_STARTS`, without which the shares would not sum to 1.
 */
export function planStarts(input: {
  readonly maxDurationMs: number
  readonly cohortMs: number
  /** Phase changes that the rollout is going to make: steps after the first, and resumptions. */
  readonly phaseChanges: number
  /**
   * How long is compared after the last step was entered; absent = not at all. Half of the places are kept for it: a watch may
   * last for weeks, and what breaks in the last one would have to outweigh all of them.
   */
  readonly watchMs?: number
}): StartPlan {
  const { maxDurationMs, cohortMs, phaseChanges, watchMs } = input
  const places = Math.max(0, MAX_STARTS - 1 - phaseChanges)
  const inWatch = watchMs === undefined ? 0 : Math.floor(places / 2)
  return {
    ...blocksOf(places - inWatch, maxDurationMs, cohortMs),
    watch: blocksOf(inWatch, watchMs ?? 0, cohortMs),
  }
}

function blocksOf(blocks: number, spanMs: number, cohortMs: number): StartBlocks {
  if (blocks === 0) return { blocks, blockMs: Infinity }
  const cohorts = Math.ceil(spanMs / (blocks + 1) / cohortMs)
  return { blocks, blockMs: cohorts * cohortMs }
}

/**
 * Whether the next cohort begins a start point: at a phase change while a place is left, else when a
 * block is over and a place is left beside those that are reserved.
 */
export function isNewStart(input: {
  /** Start points so far, the first one included. */
  readonly starts: number
  readonly phaseChanged: boolean
  /** Places that are kept: for phase changes still to come, this one not included, and for the watch until it begins. */
  readonly reserved: number
  readonly sinceLastStartMs: number
  readonly blockMs: number
}): boolean {
  if (input.phaseChanged) return input.starts < MAX_STARTS
  return input.starts + input.reserved < MAX_STARTS && input.sinceLastStartMs >= input.blockMs
}
