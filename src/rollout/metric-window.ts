import {
  isLabelMetric,
  isWaitingMetric,
  readsAnswer,
  type AnalysisSpec,
  type MetricSpec,
} from '../domain/rollout-spec.ts'
import { SETTLE_MS } from '../domain/outcome.ts'
import { formatDuration } from '../domain/units.ts'
import { buildTests } from './pair-tests.ts'
import type { RolloutPlan } from './plan.ts'

/** How long each request waits for its label or its events before it is judged. */
export type MetricWindow = {
  readonly metric: string
  /** As the configuration names it. */
  readonly key: 'labelWindow' | 'window'
  readonly ms: number
  /** It has to be longer than this. */
  readonly above: number
}

/** The window of a metric; null = its requests are judged as they end, or there is no such metric. */
export function windowOf(metric: MetricSpec | undefined): MetricWindow | null {
  if (metric === undefined || !isWaitingMetric(metric)) return null
  const isLabelled = isLabelMetric(metric)
  const ms = isLabelled ? metric.labelWindowMs : metric.windowMs
  const above = readsAnswer(metric) ? SETTLE_MS : 0
  return { metric: metric.name, key: isLabelled ? 'labelWindow' : 'window', ms, above }
}

/** `labelWindow of rmse (10m)`. */
export function describeWindow({ key, metric, ms }: MetricWindow): string {
  return `${key} of ${metric} (${formatDuration(ms)})`
}

/** Another window of a metric, as a change of it. */
export function windowChange({ key }: MetricWindow, ms: number): MetricChange {
  return { [key === 'labelWindow' ? 'labelWindowMs' : 'windowMs']: ms }
}

/** A cap that need not be learnt. Which one matters to no forecast: scales do not. */
export const CAPPED: MetricChange = { cap: 1 }

/** Settings of a metric with other values. */
export type MetricChange = Readonly<Record<string, unknown>>

/** Makes the plan with one metric changed, and everything that is derived from it. */
export type ChangeMetric = (plan: RolloutPlan, name: string, change: MetricChange) => RolloutPlan

/** Changes a metric of a rollout. */
export const withMetric: ChangeMetric = (plan, name, change) => {
  const analysis = changeAnalysis(plan, name, change)
  const tests = buildTests({ steps: plan.steps, analysis })
  return { ...plan, metrics: analysis.metrics, ...tests }
}

/** The analysis of a plan with one metric changed. */
export function changeAnalysis(
  { spec, metrics }: RolloutPlan,
  name: string,
  change: MetricChange,
): AnalysisSpec {
  const changed = metrics.map((m) => (m.name === name ? ({ ...m, ...change } as MetricSpec) : m))
  return { ...spec.analysis, metrics: changed }
}
