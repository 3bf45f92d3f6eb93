import type { PairCounts } from '../domain/pairs.ts'
import {
  betChanges,
  labelBetLogs,
  harmLogEvidence,
  HARM_GRID,
  proofLogEvidence,
} from './label-bet.ts'
import { logMeanExp } from './log-sum-exp.ts'

/** Width to which a bound is found. */
const PRECISION = 1e-7

/** Pairs by which of the two sides failed, or had whatever event is compared. */
export type FailedPairs = Pick<
  PairCounts,
  'pairs' | 'canaryFailed' | 'baselineFailed' | 'bothFailed'
>

/** Both answers come from one request: the coin of a pair is a fair one. */
const FAIR = 0.5

/**
 * Log-evidence that the canary fails more often than `ratio` times as often as the baseline, from pairs of
 * answers to the same requests. With d = [canary fails] − ratio·[baseline fails] each pair is worth
 * 1 + λd, whose expectation is at most 1 while P(canary fails | past) ≤ ratio × P(baseline fails | past);
 * the stakes λ are those of the label bets at an even chance. At ratio 1 pairs in which both fail, or
 * neither does, are worth nothing, and what is left is McNemar's test as a bet.
 *
 * Source: betting on paired differences, Waudby-Smith and Ramdas, "Estimating means of bounded random
 * variables by betting" (JRSS B 2024, arXiv 2010.09686); McNemar, Psychometrika 1947.
 */
export function pairedHarmLogEvidence(counts: FailedPairs, ratio: number): number {
  return pairedLogEvidence(counts, ratio, 0, HARM_GRID)
}

/**
 * Log-evidence that P(canary fails) is less than `ratio` × P(baseline fails) + `floor`, from the same pairs, by the bets that a
 * proof at a weight has: smaller ones within a small margin.
 */
export function pairedProofLogEvidence(counts: FailedPairs, ratio: number, floor: number): number {
  return pairedLogEvidence(counts, ratio, floor, betChanges('below', ratio))
}

function pairedLogEvidence(
  { pairs, canaryFailed, baselineFailed, bothFailed }: FailedPairs,
  ratio: number,
  floor: number,
  changes: readonly number[],
): number {
  const quietPairs = pairs - canaryFailed - baselineFailed - bothFailed
  return logMeanExp(
    changes.map((change) => {
      // In a pair both coins fall: ψ counts half, and so the floor does.
      const { canary, baseline, quiet } = labelBetLogs(FAIR, ratio, 2 * floor, change)
      const both = Math.log(Math.exp(canary) + Math.exp(baseline) - Math.exp(quiet))
      return (
        canaryFailed * canary + baselineFailed * baseline + bothFailed * both + quietPairs * quiet
      )
    }),
  )
}

/**
 * Log-evidence that a share is above `limit`: `hits` of `n` observations, each of which hits with a
 * probability that is, given the past, at most `limit`. Each bet is the likelihood ratio of a larger share,
 * 1 + λ(d − limit) in other words; a label bet whose coin falls on the canary with probability `limit` is
 * the same bet.
 */
export function shareAboveLogEvidence(hits: number, n: number, limit: number): number {
  return harmLogEvidence(strataOf(hits, n, limit), 1)
}

/** Log-evidence that a share is below `limit`. */
export function shareBelowLogEvidence(hits: number, n: number, limit: number): number {
  return proofLogEvidence(strataOf(hits, n, limit), 1, 0)
}

/**
 * Time-uniform bounds of a share, each of level `alpha`: the limits that the bets above have not refuted. Of
 * a share that moves, `lower` bounds the largest so far and `upper` the smallest.
 */
export function shareBounds(
  hits: number,
  n: number,
  alpha: number,
): { readonly lower: number; readonly upper: number } {
  const goal = Math.log(1 / alpha)
  const isAbove = (limit: number) => shareAboveLogEvidence(hits, n, limit) >= goal
  const isBelow = (limit: number) => shareBelowLogEvidence(hits, n, limit) >= goal
  const share = n === 0 ? 0 : hits / n
  return {
    // Where the observed share itself stands nothing is refuted.
    lower: bisect(0, share, (limit) => !isAbove(limit)),
    upper: bisect(n === 0 ? 1 : share, 1, isBelow),
  }
}

/** The least value between the two at which something holds that then holds for good; the upper one where nothing does. */
function bisect(from: number, to: number, holds: (value: number) => boolean): number {
  let [below, above] = [from, to]
  if (below === above || holds(below)) return below
  while (above - below > PRECISION) {
    const middle = (below + above) / 2
    if (holds(middle)) above = middle
    else below = middle
  }
  return above
}

function strataOf(hits: number, n: number, limit: number) {
  return [{ pi: limit, canary: hits, baseline: n - hits, trials: n }]
}
