import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type BetTally,
  type BetTerms,
  type Side,
} from '../domain/cohort.ts'
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
  return sumOverBins(tally, terms, pi, ratios, ({ n, mean }, termOf) => {
    const term = termOf(mean)
    return (bet) => n * Math.log1p(bet * term)
  })
}

/**
 * How much less than `rebet` says the sums over the values themselves can be. The chord of ln between the
 * ends of a bin lies below it, so the difference of mean and chord is the most that a bin can be wrong by:
 * nothing where it holds one value, zeros or a whole number, and of the order of (λ·width of ψ)²/8 for each other value.
 */
export function rebetGap(tally: BetTally, terms: BetTerms, pi: number, ratios: Ratios): BetLogs {
  return sumOverBins(tally, terms, pi, ratios, ({ n, mean, ends }, termOf) => {
    const [term, one, other] = [mean, ...ends()].map(termOf) as [number, number, number]
    if (one === other || n === 1) return () => 0
    const share = (term - one) / (other - one)
    return (bet) => {
      const [from, to] = [Math.log1p(bet * one), Math.log1p(bet * other)]
      return Math.max(0, n * (Math.log1p(bet * term) - (from + share * (to - from))))
    }
  })
}

/** So many units of one side: a value of its own is a ratio's numerator beside a denominator of 1. */
type Bin = {
  readonly side: Side
  readonly n: number
  readonly mean: Counts
  /** Those of what it can hold at which ψ is the least and the most. */
  readonly ends: () => readonly [Counts, Counts]
}

function sumOverBins(
  tally: BetTally,
  { centre, cap, lift, ...terms }: BetTerms,
  pi: number,
  ratios: Ratios,
  logsOf: (bin: Bin, termOf: (unit: Counts) => number) => (bet: number) => number,
): BetLogs {
  const sums = { harm: terms.harm.map(() => 0), proof: terms.proof.map(() => 0) }
  for (const bin of [...valueBins(tally, cap), ...ratioBins(tally)]) {
    for (const kind of ['harm', 'proof'] as const) {
      const logOf = logsOf(bin, ([num, den]) =>
        ratioBetTerm(bin.side, num, den, pi, ratios[kind], centre, lift),
      )
      for (const [place, bet] of terms[kind].entries()) sums[kind][place]! += logOf(bet)
    }
  }
  return sums
}

function valueBins({ bins }: BetTally, cap: number): readonly Bin[] {
  return filled(bins).map(({ side, index, sums: [n, sum] }): Bin => {
    const valued = (y: number): Counts => [Math.min(y, cap), 1]
    return { side, n: n!, mean: valued(sum! / n!), ends: () => two(edgesOf(index).map(valued)) }
  })
}

function ratioBins({ ratioBins: bins }: BetTally): readonly Bin[] {
  return filled(bins).map(({ side, index, sums: [n, nums, dens] }): Bin => {
    // ψ rises with the one count and falls with the other.
    const ends = () => {
      const [num, den] = two(index.split(BETWEEN).map(countsOf))
      return [
        [num[0], den[1]],
        [num[1], den[0]],
      ] as const
    }
    return { side, n: n!, mean: [nums! / n!, dens! / n!], ends }
  })
}

type Filled = { readonly side: Side; readonly index: string; readonly sums: readonly number[] }

// What was taken back leaves bins without anything in them.
function filled(
  bins: Readonly<Record<Side, Record<string, readonly number[]>>> | undefined,
): readonly Filled[] {
  if (bins === undefined) return []
  return ([BASELINE_SIDE, CANARY_SIDE] as const).flatMap((side) =>
    Object.entries(bins[side]).flatMap(([index, sums]) =>
      sums[0] === 0 ? [] : [{ side, index, sums }],
    ),
  )
}

function two<T>(of: readonly T[]): readonly [T, T] {
  return [of[0]!, of[1]!]
}
