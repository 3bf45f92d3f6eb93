import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetTally, BetTerms, ValueBins } from '../domain/cohort.ts'
import { betTerm } from './mean-bet.ts'

/** Bins between a value and its double: edges lie 9 % apart. */
const BINS_PER_OCTAVE = 8

/** The bin of zero, which has no logarithm. */
const ZERO = 'zero'

/**
 * Adds a value y ≥ 0 to its bin, in place. Edges are the same for every metric and do not depend on caps
 * or bets, so that bins of replicas and cohorts add up.
 */
export function addToBins(bins: ValueBins, y: number, n = 1): void {
  const index = y === 0 ? ZERO : String(Math.floor(Math.log2(y) * BINS_PER_OCTAVE))
  const bin = (bins[index] ??= [0, 0])
  bin[0] += n
  bin[1] += n * y
}

/** Σ ln(1 + λψ) of each bet, and how much less it can be than what stands in `harm` and `proof`. */
export type Rebet = {
  readonly harm: number[]
  readonly proof: number[]
  readonly harmGap: readonly number[]
  readonly proofGap: readonly number[]
}

/**
 * What other bets would have won on values of which only the bins are known. Each value is taken for its
 * bin's mean. ψ is linear in y and ln is concave, so by Jensen's inequality that is never less than the
 * sum over the values themselves; the chord between the bin's edges is never more. Their difference is the
 * gap: nothing for bins of one value or of zeros, and of the order of (λ·∂ψ/∂y·width)²/8 for each other value.
 * `bins` must have been filled with values up to the cap of the terms; `pi` and the ratios as in `addBet`.
 */
export function rebet(
  bins: NonNullable<BetTally['bins']>,
  terms: BetTerms,
  pi: number,
  ratioHarm: number,
  ratioProof: number,
): Rebet {
  const harm = terms.harm.map(() => 0)
  const proof = terms.proof.map(() => 0)
  const harmGap = terms.harm.map(() => 0)
  const proofGap = terms.proof.map(() => 0)
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    for (const [index, [n, sum]] of Object.entries(bins[side])) {
      const bin = { n, mean: Math.min(sum / n, terms.cap), ...edgesOf(index, n, terms.cap) }
      const psi = (ratio: number) => (y: number) => betTerm(side, y, pi, ratio, terms.centre)
      addBin(harm, harmGap, terms.harm, bin, psi(ratioHarm))
      addBin(proof, proofGap, terms.proof, bin, psi(ratioProof))
    }
  }
  return { harm, proof, harmGap, proofGap }
}

/** Values between `low` and `high`; where these are equal, all of them are the mean. */
type Bin = {
  readonly n: number
  readonly mean: number
  readonly low: number
  readonly high: number
}

function addBin(
  wealth: number[],
  gap: number[],
  bets: readonly number[],
  { n, mean, low, high }: Bin,
  psi: (y: number) => number,
): void {
  const share = high > low ? (mean - low) / (high - low) : 0
  for (const [index, bet] of bets.entries()) {
    const most = n * Math.log1p(bet * psi(mean))
    wealth[index]! += most
    if (high <= low) continue
    const atLow = Math.log1p(bet * psi(low))
    const atHigh = Math.log1p(bet * psi(high))
    gap[index]! += Math.max(0, most - n * (atLow + share * (atHigh - atLow)))
  }
}

function edgesOf(index: string, n: number, cap: number): { low: number; high: number } {
  if (index === ZERO || n === 1) return { low: 0, high: 0 }
  const edge = (i: number) => Math.min(2 ** (i / BINS_PER_OCTAVE), cap)
  return { low: edge(Number(index)), high: edge(Number(index) + 1) }
}
