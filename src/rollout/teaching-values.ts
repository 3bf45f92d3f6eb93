import type { MetricSpec } from '../domain/rollout-spec.ts'
import { formatCount } from './format.ts'

/** Values of the baseline that teach a cap, at least. */
const TEACHING_VALUES = 1000

/** How many values of the baseline teach a metric's cap before any is judged; null = it has none to be learnt. */
export function teachingValues(spec: MetricSpec): number | null {
  if (!('cap' in spec) || spec.cap !== null) return null
  return Math.max(TEACHING_VALUES, 'minLabels' in spec ? spec.minLabels : 0)
}

/** That so many values of the baseline teach a cap before any is judged. */
export function describeTeaching(values: number): string {
  return `its cap is learnt first, from ${formatCount(values)} values of the baseline, and none is judged before (\`cap\` sets one)`
}
