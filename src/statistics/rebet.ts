import { BASELINE_SIDE, CANARY_SIDE, type BetTally, type BetTerms } from '../domain/cohort.ts'
import { betTerm } from './mean-bet.ts'
import { ratioBetTerm, type Counts } from './ratio-bet.ts'
import { BETWEEN, countsOf, edgesOf } from './value-bins.ts'

/** Σ ln(1 + λψ), or what it is wrong by, for each bet. */
export type BetLogs = { readonly harm: number[]; readonly proof: number[] }

/** The null ratios of harm and proof. */
export type Ratios = { readonly harm: number; readonly proof: number }

/** Whether the values of a tally are known by their bins, so that it can be bet on anew. */
export function hasBins({ bins, ratioBins }: BetTally): boolean {
  return bins !== undefined || ratioBins !== undefined
}

/**
 * What other bets would have won on values of which only the bins are known: each value is taken for its
 * bin's mean. ψ is linear in y, or in a ratio's two counts, and ln is concave, so by Jensen's inequality that is never less
 * than the sum over the values themselves; `rebetGap` bounds by how much it is more. Bins must have been filled with
 * values up to the cap of the terms; `pi` and the ratios are those of `addBet`.
 */
export function rebet(tally: BetTally, terms: BetTerms, pi: number, ratios: Ratios): BetLogs {
  return sumOverBins(tally, terms, pi, ratios, (n, bet, [mean]) => n * Math.log1p(bet * mean))
}

/**
 * How much less than `rebet` says the sums over the values themselves can be. The chord of ln between the
 * ends of a bin lies below it, so the difference of mean and chord is the most that a bin can be wrong by:
 * nothing where it holds one value, zeros or a whole number, and of the order of (λ·width of ψ)²/8 for each other value.
 */
export function rebetGap(tally: BetTally, terms: BetTerms, pi: number, ratios: Ratios): BetLogs {
  return sumOverBins(tally, terms, pi, ratios, (n, bet, [mean, one, other]) => {
    if (one === other || n === 1) return 0
    const share = (mean - one) / (other - one)
    const [from, to] = [Math.log1p(bet * one), Math.log1p(bet * other)]
    return Math.max(0, n * (Math.log1p(bet * mean) - (from + share * (to - from))))
  })
}

/** ψ of a bin: at the mean of its values, and at both ends of what it can hold. */
type BinTerms = readonly [mean: number, one: number, other: number]

/** So many values in a bin, and their ψ at a null ratio. */
type Bin = { readonly n: number; readonly termsAt: (ratio: number) => BinTerms }

function sumOverBins(
  tally: BetTally,
  terms: BetTerms,
  pi: number,
  ratios: Ratios,
  ofBin: (n: number, bet: number, terms: BinTerms) => number,
): BetLogs {
  const sums = { harm: terms.harm.map(() => 0), proof: terms.proof.map(() => 0) }
  for (const { n, termsAt } of binsOf(tally, terms, pi)) {
    for (const kind of ['harm', 'proof'] as const) {
      const found = termsAt(ratios[kind])
      for (const [place, bet] of terms[kind].entries()) sums[kind][place]! += ofBin(n, bet, found)
    }
  }
  return sums
}

// What was taken back leaves bins without anything in them.
function binsOf({ bins, ratioBins }: BetTally, terms: BetTerms, pi: number): readonly Bin[] {
  const { centre, cap, lift } = terms
  return ([BASELINE_SIDE, CANARY_SIDE] as const).flatMap((side) => [
    ...Object.entries(bins?.[side] ?? {}).flatMap(([index, [n, sum]]): Bin[] => {
      if (n === 0) return []
      const values = [sum / n, ...edgesOf(index)].map((y) => Math.min(y, cap))
      const termAt = (y: number, ratio: number) => betTerm(side, y, pi, ratio, centre)
      return [{ n, termsAt: (ratio) => three(values, (y) => termAt(y, ratio)) }]
    }),
    ...Object.entries(ratioBins?.[side] ?? {}).flatMap(([indices, [n, nums, dens]]): Bin[] => {
      if (n === 0) return []
      const [num, den] = indices.split(BETWEEN).map(countsOf)
      const mean: Counts = [nums / n, dens / n]
      // ψ rises with the one count and falls with the other.
      const units: readonly Counts[] = [mean, [num![0], den![1]], [num![1], den![0]]]
      const termAt = ([a, b]: Counts, ratio: number) =>
        ratioBetTerm(side, a, b, pi, ratio, centre, lift)
      return [{ n, termsAt: (ratio) => three(units, (unit) => termAt(unit, ratio)) }]
    }),
  ])
}

function three<T>(of: readonly T[], term: (each: T) => number): BinTerms {
  return [term(of[0]!), term(of[1]!), term(of[2]!)]
}
