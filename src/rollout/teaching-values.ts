import type { MetricSpec } from '../domain/rollout-spec.ts'

/** Values of the baseline that teach a cap, at least. */
const TEACHING_VALUES = 1000

/** How many values of the baseline teach a metric's cap before any is judged; null = it has none to be learnt. */
export function teachingValues(spec: MetricSpec): number | null {
  if (!('cap' in spec) || spec.cap !== null) return null
  return Math.max(TEACHING_VALUES, 'minLabels' in spec ? spec.minLabels : 0)
}
