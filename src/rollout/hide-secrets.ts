import type { MetricSpec, RolloutSpec } from '../domain/rollout-spec.ts'
import type { RolloutPlan } from './plan.ts'

/** What stands for a secret where a configuration is shown or stored. */
export const HIDDEN = '(hidden)'

/** A rollout's configuration without the secrets that other systems are sent. */
export function hideSecrets(spec: RolloutSpec): RolloutSpec {
  const metrics = spec.analysis.metrics.map(hideSecret)
  return { ...spec, analysis: { ...spec.analysis, metrics } }
}

/** A plan that may be stored and shown: without those secrets. */
export function hidePlanSecrets(plan: RolloutPlan): RolloutPlan {
  const spec = hideSecrets(plan.spec)
  return { ...plan, spec, metrics: spec.analysis.metrics }
}

function hideSecret(metric: MetricSpec): MetricSpec {
  return 'secret' in metric && metric.secret !== null ? { ...metric, secret: HIDDEN } : metric
}
