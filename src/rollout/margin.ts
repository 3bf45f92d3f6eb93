import type { Hypothesis } from '../domain/hypothesis.ts'
import type { Better } from '../domain/rollout-spec.ts'

/** How much worse the canary may be before it is harm: a fraction of the baseline, in the metric's own scale. */
export function harmMargin(hypothesis: Hypothesis): number {
  const { source, harm } = hypothesis
  return source.of === 'latency' ? source.harmMargin : margin(hypothesis, harm.ratio)
}

/** The change that is excluded once the canary is shown to be no worse; null where nothing is to be proved. */
export function proofMargin(hypothesis: Hypothesis): number | null {
  const { source, proof } = hypothesis
  if (proof === null) return null
  return source.of === 'latency' ? source.proofMargin : margin(hypothesis, proof.ratio)
}

function margin({ source, better }: Hypothesis, ratio: number): number {
  return marginOf(ratio, better, source.of === 'score' && source.score === 'squared-error')
}

/**
 * The allowed change for the worse that a null ratio stands for, as a fraction of the baseline. Squared errors
 * are compared, RMSE is what people set a margin for. Rounded, since (1 + m)² is not always what m came from.
 */
export function marginOf(ratio: number, better: Better, isSquared: boolean): number {
  const change = (isSquared ? Math.sqrt(ratio) : ratio) - 1
  return Math.round((better === 'lower' ? change : -change) * 1e9) / 1e9
}
