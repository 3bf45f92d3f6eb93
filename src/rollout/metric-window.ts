import { isLabelMetric, isWaitingMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import { formatDuration } from '../domain/units.ts'
import { buildTests } from './pair-tests.ts'
import type { RolloutPlan } from './plan.ts'

/** How long each request waits for its label or its events before it is judged. */
export type MetricWindow = {
  readonly metric: string
  /** As the configuration names it. */
  readonly key: 'labelWindow' | 'window'
  readonly ms: number
}

/** The window of a metric; null = its requests are judged as they end, or there is no such metric. */
export function windowOf(metric: MetricSpec | undefined): MetricWindow | null {
  if (metric === undefined || !isWaitingMetric(metric)) return null
  const isLabelled = isLabelMetric(metric)
  const ms = isLabelled ? metric.labelWindowMs : metric.windowMs
  return { metric: metric.name, key: isLabelled ? 'labelWindow' : 'window', ms }
}

/** `labelWindow of rmse (10m)`. */
export function describeWindow({ key, metric, ms }: MetricWindow): string {
  return `${key} of ${metric} (${formatDuration(ms)})`
}

/** The plan with another window of a metric. */
export function withWindow(
  plan: RolloutPlan,
  { metric, key }: MetricWindow,
  ms: number,
): RolloutPlan {
  return withMetric(plan, metric, { [key === 'labelWindow' ? 'labelWindowMs' : 'windowMs']: ms })
}

/** The plan with one metric changed, and everything that is derived from it. */
export function withMetric(
  plan: RolloutPlan,
  name: string,
  change: Readonly<Record<string, unknown>>,
): RolloutPlan {
  const metrics = plan.metrics.map((m) =>
    m.name === name ? ({ ...m, ...change } as MetricSpec) : m,
  )
  const analysis = { ...plan.spec.analysis, metrics }
  return { ...plan, metrics, ...buildTests({ steps: plan.steps, analysis }) }
}
