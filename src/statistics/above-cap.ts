import { CANARY_SIDE, type Side } from '../domain/cohort.ts'
import { proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import type { PairScoreQuestion } from '../domain/pairs.ts'

/** What a value has to exceed to count as above the cap, in the unit of the cap: asked of harm, and of the proof. */
export type CapLimits = { readonly harm: number; readonly proof: number }

/** What is asked of the mean of the values whose cap it is. */
export type CappedMean = Pick<PairScoreQuestion, 'better' | 'harmRatio' | 'proofRatio'> & {
  /** Of squares the cap is that of the roots. */
  readonly isSquared: boolean
}

/**
 * What a side's values have to exceed: the cap B on the baseline, and (1 + m)·B on the canary, where m is the margin of the
 * metric and fewer are better. H0 of the share above the cap, P(canary > (1 + m)·B) ≤ ratio · P(baseline > B), holds then for
 * every canary whose values are at most 1 + m times as large as the baseline's (in distribution), whatever these are like: so
 * what the margin allows is found with its level at most, and can be proved. It is as latencies are asked. What is far off
 * is above both. What lies between the two counts as the cap in the mean, which is at most 1 + m times too little.
 */
export function capLimits(cap: number, side: Side, asked: CappedMean): CapLimits {
  if (side !== CANARY_SIDE || asked.better !== 'lower') return { harm: cap, proof: cap }
  const times = (ratio: number) => (asked.isSquared ? Math.sqrt(ratio) : ratio)
  return { harm: cap * times(asked.harmRatio), proof: cap * times(asked.proofRatio) }
}

/** What a hypothesis about capped values asks of their mean. */
export function cappedMeanOf(hypothesis: Hypothesis): CappedMean {
  const { source, better, harm } = hypothesis
  const isSquared = source.of === 'score' && source.score === 'squared-error'
  return { better, harmRatio: harm.ratio, proofRatio: proofRatio(hypothesis), isSquared }
}
