import type { MetricSpec, ProviderMetricSpec, RolloutSpec } from '../domain/rollout-spec.ts'
import type { RolloutPlan } from './plan.ts'

/** What stands for a secret where a configuration is shown or stored. */
export const HIDDEN = '(hidden)'

/** A rollout's configuration without the secrets that other systems are sent. */
export function hideSecrets(spec: RolloutSpec): RolloutSpec {
  return {
    ...spec,
    analysis: { ...spec.analysis, metrics: hideMetricSecrets(spec.analysis.metrics) },
  }
}

/** Metrics without those secrets. */
export function hideMetricSecrets(metrics: readonly MetricSpec[]): readonly MetricSpec[] {
  return metrics.map((metric) => (hasSecret(metric) ? { ...metric, secret: HIDDEN } : metric))
}

/** A plan that may be stored and shown: without those secrets. */
export function hidePlanSecrets(plan: RolloutPlan): RolloutPlan {
  if (!plan.spec.analysis.metrics.some(hasSecret)) return plan
  const spec = hideSecrets(plan.spec)
  return { ...plan, spec, metrics: spec.analysis.metrics }
}

function hasSecret(metric: MetricSpec): metric is ProviderMetricSpec {
  return 'secret' in metric && metric.secret !== null
}
