import type { RatioBins, ValueBins } from '../domain/cohort.ts'

/** Bins between a value and its double: edges lie 4.4 % apart. */
const BINS_PER_OCTAVE = 16

/** The bin of zero, which has no logarithm. */
export const ZERO_BIN = 'zero'

/** Between the two indices of a bin of two counts. */
export const BETWEEN = '/'

/**
 * Adds a value y ≥ 0 to its bin, in place. Edges are the same for every metric and do not depend on caps
 * or bets, so that bins of replicas and cohorts add up. A negative `n` takes values back.
 */
export function addToBins(bins: ValueBins, y: number, n = 1): void {
  const bin = (bins[indexOf(y)] ??= [0, 0])
  bin[0] += n
  bin[1] += n * y
}

/** The same of units by their two counts; those without any are no matter to a ratio. */
export function addToRatioBins(bins: RatioBins, num: number, den: number, n: number): void {
  if (num === 0 && den === 0) return
  const bin = (bins[`${indexOf(num)}${BETWEEN}${indexOf(den)}`] ??= [0, 0, 0])
  bin[0] += n
  bin[1] += n * num
  bin[2] += n * den
}

/** The least and the most that a value of a bin can be. */
export function edgesOf(index: string): readonly [low: number, high: number] {
  if (index === ZERO_BIN) return [0, 0]
  const edge = (i: number) => 2 ** (i / BINS_PER_OCTAVE)
  return [edge(Number(index)), edge(Number(index) + 1)]
}

/** The same of a whole number, so that small ones have bins of their own. */
export function countsOf(index: string): readonly [low: number, high: number] {
  const [low, high] = edgesOf(index)
  // Of an edge that is a whole number, a power of two, rounding may be on either side.
  return [Math.ceil(low - 1e-9), Math.max(0, Math.ceil(high - 1e-9) - 1)]
}

function indexOf(y: number): string {
  return y === 0 ? ZERO_BIN : String(Math.floor(Math.log2(y) * BINS_PER_OCTAVE))
}
