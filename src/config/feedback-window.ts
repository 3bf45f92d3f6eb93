import { isLabelMetric, isValueMetric, type MetricSpec } from '../domain/rollout-spec.ts'

/** How long after a request a metric waits for what it is judged by, in milliseconds; 0 = for nothing. */
export function feedbackWindowMs(metric: MetricSpec): number {
  if (isLabelMetric(metric)) return metric.labelWindowMs
  return isValueMetric(metric) ? metric.windowMs : 0
}
