import type { Hypothesis } from '../domain/hypothesis.ts'

/** How much worse the canary may be before it is harm: a fraction of the baseline, in the metric's own scale. */
export function harmMargin({ source, harm }: Hypothesis): number {
  return source.of === 'latency' ? source.harmMargin : margin(source.of, harm.ratio)
}

/** The rise that is excluded once the canary is shown to be no worse; null where nothing is to be proved. */
export function proofMargin({ source, proof }: Hypothesis): number | null {
  if (proof === null) return null
  return source.of === 'latency' ? source.proofMargin : margin(source.of, proof.ratio)
}

// Squared errors are compared, RMSE is what people set a margin for. Rounded, since (1 + m)² is not
// always what m came from.
function margin(of: Hypothesis['source']['of'], ratio: number): number {
  const rise = (of === 'squared-error' ? Math.sqrt(ratio) : ratio) - 1
  return Math.round(rise * 1e9) / 1e9
}
