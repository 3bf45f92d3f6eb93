import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type BetTally,
  type BetTerms,
  type Pair,
} from '../domain/cohort.ts'
import { EFFECT_GRID, LIMIT_SHARE, effectUnit, effectsOf } from './mean-bet.ts'

/** What bets on pairs are made from; all of it known before the pairs that they are used for begin. */
export type PairedBetBasis = {
  /** The null ratio ρ of the means. */
  readonly ratio: number
  /** The baseline's mean so far. */
  readonly mean: number
  /** The variance so far of d = canary − ρ · baseline, of capped values. */
  readonly variance: number
  /** B: values above it count as this, on both sides. */
  readonly cap: number
}

/**
 * The λ of each bet of the effect grid on d = canary − ρ · baseline of one request: λ = ±ε·μb / σd², clipped
 * to 0.8 of what keeps every 1 + λd positive for values from 0 to the cap, where d goes from −ρB to B. No
 * draw decides who answers, so nothing is divided by its probability, and what is hard for both models
 * cancels in d: σd² is what two answers to the same request differ by. All are 0 while the baseline's mean
 * is 0: nothing to size a bet by.
 *
 * Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 2024,
 * arXiv 2010.09686), of paired differences.
 */
export function pairedBets(
  { ratio, mean, variance, cap }: PairedBetBasis,
  direction: 'above' | 'below',
): number[] {
  if (mean === 0) return EFFECT_GRID.map(() => 0)
  const limit = direction === 'above' ? 1 / (ratio * cap) : 1 / cap
  const sign = direction === 'above' ? 1 : -1
  const unit = effectUnit(direction, mean, ratio)
  return effectsOf(direction, ratio).map(
    (effect) => sign * Math.min((effect * unit) / variance, LIMIT_SHARE * limit),
  )
}

/**
 * Adds a pair of values, from 0 to the cap, to the moments of a tally and (where there are terms) ln(1 + λd)
 * to its bets, in place. Each bet's expectation is at most 1 while the canary's mean, given the past, is on
 * the null's side of ratio × the baseline's.
 */
export function addPairedValues(
  tally: BetTally,
  terms: BetTerms | undefined,
  [baseline, canary]: Readonly<Pair>,
  ratios: { readonly harm: number; readonly proof: number },
): void {
  tally.n[BASELINE_SIDE]++
  tally.n[CANARY_SIDE]++
  tally.sum[BASELINE_SIDE] += baseline
  tally.sum[CANARY_SIDE] += canary
  tally.sumSq[BASELINE_SIDE] += baseline ** 2
  tally.sumSq[CANARY_SIDE] += canary ** 2
  tally.product! += baseline * canary
  if (terms === undefined) return
  addLogs(tally.harm, terms.harm, canary - ratios.harm * baseline)
  addLogs(tally.proof, terms.proof, canary - ratios.proof * baseline)
}

/** The baseline's mean, and the variance of canary − ratio · baseline, of the pairs of a tally. */
export function pairedMoments(
  { n, sum, sumSq, product }: Pick<BetTally, 'n' | 'sum' | 'sumSq' | 'product'>,
  ratio: number,
): { readonly mean: number; readonly variance: number } {
  const count = n[BASELINE_SIDE]
  const [mean, canaryMean] = [sum[BASELINE_SIDE] / count, sum[CANARY_SIDE] / count]
  const square =
    (sumSq[CANARY_SIDE] - 2 * ratio * product! + ratio ** 2 * sumSq[BASELINE_SIDE]) / count
  return { mean, variance: Math.max(0, square - (canaryMean - ratio * mean) ** 2) }
}

function addLogs(wealth: number[], bets: readonly number[], difference: number): void {
  for (const [index, bet] of bets.entries()) wealth[index]! += Math.log1p(bet * difference)
}
