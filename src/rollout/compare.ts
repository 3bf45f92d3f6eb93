import type { Measurement } from '../domain/measurement.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'

/** A metric's figures of both sides over one interval; null = not known. */
export type Sides = { readonly baseline: MetricValue; readonly canary: MetricValue }

/**
 * Holds the canary's figure against a metric's limits and, as a point estimate, against its margin on the
 * baseline's: `inconclusive` where the baseline is beyond the same limit. Outside α. Null where there is
 * nothing to hold it against: the margin is all there is, and the baseline has no figure.
 */
export function compare(metric: MetricSpec, sides: Sides, at: number): Measurement | null {
  const { max, min } = metric
  const baseline = sides.baseline.value
  // The caller has the canary's figure, or there was nothing to measure.
  const canary = sides.canary.value!
  const isLimited = max !== null || min !== null
  const margin = baseline === null ? null : marginOn(metric, baseline)
  if (!isLimited && margin === null) return null
  const isWorse = margin !== null && (metric.better === 'lower' ? canary > margin : canary < margin)
  const measured = { at, ...sides, error: null }
  if (isWorse) return { ...measured, verdict: 'failed' }
  if (!isBeyond(metric, canary)) return { ...measured, verdict: 'successful' }
  const bothBeyond = baseline !== null && isBeyond(metric, baseline)
  return { ...measured, verdict: bothBeyond ? 'inconclusive' : 'failed' }
}

/** Whether a value is beyond an absolute limit; at the limit is not beyond it. */
export function isBeyond(
  { max, min }: { readonly max: number | null; readonly min: number | null },
  value: number,
): boolean {
  return (max !== null && value > max) || (min !== null && value < min)
}

// The allowed rise of a rate is what a service that hardly ever fails needs: twice almost nothing is nothing.
function marginOn(metric: MetricSpec, baseline: number): number | null {
  if (metric.maxChange === null) return null
  const change = Math.abs(baseline) * metric.maxChange
  const floor = metric.kind === 'error-rate' ? metric.floor : 0
  return metric.better === 'lower' ? baseline + change + floor : baseline - change
}
