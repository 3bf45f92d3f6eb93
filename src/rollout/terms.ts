import {
  BASELINE_SIDE,
  type BetTerms,
  type CohortTerms,
  type LatencyTerms,
} from '../domain/cohort.ts'
import type { BetEvidence, Evidence } from '../domain/evidence.ts'
import { isContinuous, proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import { scoreValue } from '../statistics/score.ts'
import { centredBets } from '../statistics/mean-bet.ts'
import { poolMoments } from '../statistics/moments.ts'
import { denominatorLift, linearised, ratioBets } from '../statistics/ratio-bet.ts'

/** Of what no term is: one for the cohorts of thousands of services, most of which have thresholds or bets, not both. */
const NOTHING = {}

/** No cap: sums of the squares of its squares are numbers still. */
const UNCAPPED = 1e75

/** Baseline labels from which a mean and a variance are worth betting on. */
const MIN_BASELINE_LABELS = 20

/**
 * What the next cohort is judged with: thresholds, caps and bets, made from earlier cohorts only
 * ("predictable": without that the e-processes guarantee nothing). A hypothesis that nothing is known
 * for yet is left out, and its observations of that cohort are not judged.
 */
export function publishTerms(
  hypotheses: readonly Hypothesis[],
  evidence: Evidence,
  pi: number,
  /** The baseline's latency quantile in ms, of all requests or of a segment's; null = too few samples. */
  baselineQuantile: (asked: LatencyQuantile, segment: string | undefined) => number | null,
): CohortTerms {
  let thresholds: Record<string, LatencyTerms> = NOTHING
  let bets: Record<string, BetTerms> = NOTHING
  let caps: Record<string, number> = NOTHING
  const { bins } = evidence
  for (const hypothesis of hypotheses) {
    const { id, metric, segment, source } = hypothesis
    if (source.of === 'latency') {
      const baselineMs = baselineQuantile(source, segment)
      if (baselineMs === null) continue
      const harmMs = baselineMs * (1 + source.harmMargin)
      const proofMs = baselineMs * (1 + source.proofMargin)
      thresholds = withTerm(thresholds, id, { baselineMs, harmMs, proofMs })
    }
    if (isContinuous(source)) {
      const cap = source.cap ?? evidence.caps[metric!]
      if (cap === undefined) continue
      caps = withTerm(caps, metric!, cap)
      const most = source.of === 'score' ? scoreValue(source.score, cap) : cap
      const terms = betTerms(hypothesis, evidence.hypotheses[id] as BetEvidence, pi, most)
      if (terms !== null) bets = withTerm(bets, id, terms)
    }
  }
  return bins === undefined ? { thresholds, bets, caps } : { thresholds, bets, caps, bins }
}

/**
 * What a cohort in which the canary has all requests is judged with: caps, as no bet is made. Where none is known there
 * is no baseline left that could teach one (in blue-green there never was one), and values count as they are.
 */
export function aloneTerms(
  hypotheses: readonly Hypothesis[],
  { caps }: Pick<Evidence, 'caps'>,
): CohortTerms {
  const known: Record<string, number> = {}
  for (const { metric, source } of hypotheses) {
    if (isContinuous(source)) known[metric!] = source.cap ?? caps[metric!] ?? UNCAPPED
  }
  return { thresholds: NOTHING, bets: NOTHING, caps: known }
}

/** Adds a term to those of one cohort, which begin with the first. */
function withTerm<T>(terms: Record<string, T>, id: string, term: T): Record<string, T> {
  const own = terms === NOTHING ? {} : terms
  own[id] = term
  return own
}

function betTerms(
  hypothesis: Hypothesis,
  evidence: BetEvidence,
  pi: number,
  cap: number,
): BetTerms | null {
  const moments = baselineMoments(evidence)
  if (moments === null) return null
  const { mean, variance, denominatorMean } = moments
  const lift = denominatorMean === null ? 1 : denominatorLift(evidence.strata)
  // Where higher is better, harm is a mean below the margin.
  const [worse, noWorse] =
    hypothesis.better === 'lower' ? (['above', 'below'] as const) : (['below', 'above'] as const)
  const bets = (ratio: number, direction: 'above' | 'below') => {
    if (denominatorMean === null) return centredBets({ pi, ratio, mean, variance, cap }, direction)
    // The delta method's variance is that of num − r̂·den over the square of den's mean.
    const residual = variance * denominatorMean ** 2
    const basis = { pi, ratio, centre: mean, denominatorMean, variance: residual, cap, lift }
    return ratioBets(basis, direction)
  }
  return {
    centre: mean,
    cap,
    ...(lift === 1 ? undefined : { lift }),
    harm: bets(hypothesis.harm.ratio, worse),
    proof: bets(proofRatio(hypothesis), noWorse),
  }
}

/** The baseline's mean and variance so far, of a ratio by the delta method; null = too few values. */
function baselineMoments({ strata }: BetEvidence) {
  const pooled = poolMoments(strata)
  const { n, sum, sumSq } = linearised(pooled)
  const count = n[BASELINE_SIDE]
  if (count < MIN_BASELINE_LABELS) return null
  const mean = sum[BASELINE_SIDE] / count
  const { denominator } = pooled
  return {
    mean,
    variance: Math.max(0, sumSq[BASELINE_SIDE] / count - mean ** 2),
    denominatorMean: denominator === undefined ? null : denominator.sum[BASELINE_SIDE] / count,
  }
}
