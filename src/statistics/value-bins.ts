import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetTally, BetTerms, ValueBins } from '../domain/cohort.ts'
import { betTerm } from './mean-bet.ts'

/** Bins between a value and its double: edges lie 4.4 % apart. */
const BINS_PER_OCTAVE = 16

/** The bin of zero, which has no logarithm. */
export const ZERO_BIN = 'zero'

/**
 * Adds a value y ≥ 0 to its bin, in place. Edges are the same for every metric and do not depend on caps
 * or bets, so that bins of replicas and cohorts add up.
 */
export function addToBins(bins: ValueBins, y: number, n = 1): void {
  const index = y === 0 ? ZERO_BIN : String(Math.floor(Math.log2(y) * BINS_PER_OCTAVE))
  const bin = (bins[index] ??= [0, 0])
  bin[0] += n
  bin[1] += n * y
}

/** Σ ln(1 + λψ), or what it is wrong by, for each bet. */
export type BetLogs = { readonly harm: number[]; readonly proof: number[] }

/**
 * What other bets would have won on values of which only the bins are known: each value is taken for its
 * bin's mean. ψ is linear in y and ln is concave, so by Jensen's inequality that is never less than the sum
 * over the values themselves; `rebetGap` bounds by how much it is more. `bins` must have been filled with
 * values up to the cap of the terms; `pi` and the ratios are those of `addBet`.
 */
export function rebet(bins: Bins, terms: BetTerms, pi: number, ratios: Ratios): BetLogs {
  return sumOverBins(bins, terms, pi, ratios, ({ n, mean }, logAt) => n * logAt(mean))
}

/**
 * How much less than `rebet` says the sums over the values themselves can be. The chord of ln between the
 * edges of a bin lies below it, so the difference of mean and chord is the most that a bin can be wrong by:
 * nothing where it holds one value or zeros, and of the order of (λ·∂ψ/∂y·width)²/8 for each other value.
 */
export function rebetGap(bins: Bins, terms: BetTerms, pi: number, ratios: Ratios): BetLogs {
  return sumOverBins(bins, terms, pi, ratios, ({ n, mean, low, high }, logAt) => {
    if (high <= low) return 0
    const share = (mean - low) / (high - low)
    const chord = logAt(low) + share * (logAt(high) - logAt(low))
    return Math.max(0, n * (logAt(mean) - chord))
  })
}

type Bins = NonNullable<BetTally['bins']>

/** The null ratios of harm and proof. */
type Ratios = { readonly harm: number; readonly proof: number }

/** Values between `low` and `high`; where these are equal, all of them are the mean. */
type Bin = {
  readonly n: number
  readonly mean: number
  readonly low: number
  readonly high: number
}

function sumOverBins(
  bins: Bins,
  terms: BetTerms,
  pi: number,
  ratios: Ratios,
  ofBin: (bin: Bin, logAt: (y: number) => number) => number,
): BetLogs {
  const sums = { harm: terms.harm.map(() => 0), proof: terms.proof.map(() => 0) }
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    for (const [index, [n, sum]] of Object.entries(bins[side])) {
      const bin = { n, mean: Math.min(sum / n, terms.cap), ...edgesOf(index, n, terms.cap) }
      for (const kind of ['harm', 'proof'] as const) {
        for (const [place, bet] of terms[kind].entries()) {
          sums[kind][place]! += ofBin(bin, (y) =>
            Math.log1p(bet * betTerm(side, y, pi, ratios[kind], terms.centre)),
          )
        }
      }
    }
  }
  return sums
}

function edgesOf(index: string, n: number, cap: number): { low: number; high: number } {
  if (index === ZERO_BIN || n === 1) return { low: 0, high: 0 }
  const edge = (i: number) => Math.min(2 ** (i / BINS_PER_OCTAVE), cap)
  return { low: edge(Number(index)), high: edge(Number(index) + 1) }
}
