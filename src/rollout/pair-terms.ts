import {
  BASELINE_SIDE,
  type BetTerms,
  type CohortTerms,
  type LatencyTerms,
} from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { PairMoments, PairScoreQuestion, PairTest } from '../domain/pairs.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import { pairedBets, pairedMoments } from '../statistics/paired-mean-bet.ts'
import { scoreValue } from '../statistics/score.ts'

/** Labelled pairs from which a mean and a variance are worth betting on. */
const MIN_LABELLED_PAIRS = 20

/**
 * What the pairs of the next mirrored cohort are judged with, made from what is known of earlier ones by now:
 * thresholds, caps and bets by the id of the test. A test that nothing is known for yet is left out, and not asked.
 */
export function publishPairTerms(
  tests: readonly PairTest[],
  caps: Evidence['caps'],
  /** What labels have said of a test by now, whether it is folded or not; null = nothing. */
  arrived: (id: string) => PairMoments | null,
  /** The baseline's quantile in ms of how long its answers took, of all or a segment's; null = too few pairs. */
  baselineQuantile: (asked: LatencyQuantile, segment: string | null) => number | null,
): CohortTerms {
  const thresholds: Record<string, LatencyTerms> = {}
  const bets: Record<string, BetTerms> = {}
  const used: Record<string, number> = {}
  for (const { id, metric, segment = null, asks } of tests) {
    if (asks.of === 'latency') {
      const baselineMs = baselineQuantile(asks, segment)
      if (baselineMs === null) continue
      thresholds[id] = {
        baselineMs,
        harmMs: baselineMs * (1 + asks.harmMargin),
        proofMs: baselineMs * (1 + asks.proofMargin),
      }
    }
    if (asks.of !== 'score') continue
    const cap = asks.cap ?? caps[metric]
    if (cap === undefined) continue
    used[metric] = cap
    const terms = betTerms(asks, arrived(id), scoreValue(asks.score, cap))
    if (terms !== null) bets[id] = terms
  }
  return { thresholds, bets, caps: used }
}

function betTerms(
  { better, harmRatio, proofRatio }: PairScoreQuestion,
  sums: PairMoments | null,
  cap: number,
): BetTerms | null {
  if (sums === null || sums.n[BASELINE_SIDE] < MIN_LABELLED_PAIRS) return null
  // Where higher is better, harm is a mean below the margin.
  const [worse, noWorse] =
    better === 'lower' ? (['above', 'below'] as const) : (['below', 'above'] as const)
  const bets = (ratio: number, direction: 'above' | 'below') =>
    pairedBets({ ratio, ...pairedMoments(sums, ratio), cap }, direction)
  return {
    // Differences need no centre.
    centre: 0,
    cap,
    harm: bets(harmRatio, worse),
    proof: bets(proofRatio, noWorse),
  }
}
