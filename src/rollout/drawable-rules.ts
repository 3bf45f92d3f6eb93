import { isContinuous } from '../domain/hypothesis.ts'
import { isProviderMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import { isLimited } from './limits.ts'
import type { RolloutPlan } from './plan.ts'

/** Something of the rules that drawn traffic cannot answer: a metric, and what of it in words. */
export type LeftOut = { readonly metric: string; readonly what: string }

/**
 * The rules as far as drawn traffic can answer them, and what they do without. Drawn requests are of no
 * segment, nothing of them drifts and no other system measures them; their latencies and errors have a
 * scale of their own, which caps and limits in the configuration's units say nothing about.
 */
export function drawableRules(rules: RolloutPlan): {
  readonly plan: RolloutPlan
  readonly leftOut: readonly LeftOut[]
} {
  const metrics = rules.metrics.filter((m) => whyWhole(m) === null)
  const isDrawn = (name: string | null) => name === null || metrics.some((m) => m.name === name)
  const plan: RolloutPlan = {
    ...rules,
    metrics: metrics.map((m) => (hasOwnScale(m) ? { ...m, max: null, min: null } : m)),
    hypotheses: rules.hypotheses
      .filter((h) => h.segment === undefined && isDrawn(h.metric))
      .map((h) =>
        isContinuous(h.source) && h.source.score !== 'correct'
          ? { ...h, source: { ...h.source, cap: null } }
          : h,
      ),
  }
  const countsFailures = plan.hypotheses.some((h) => h.source.of === 'failure')
  const leftOut = rules.metrics.flatMap((m) =>
    whatOf(m, countsFailures).map((what) => ({ metric: m.name, what })),
  )
  return { plan, leftOut }
}

/** Why nothing of a metric can be drawn; null = something can. */
function whyWhole(metric: MetricSpec): string | null {
  if (metric.threshold !== undefined) return 'method: threshold'
  if (isProviderMetric(metric)) return `kind: ${metric.kind}`
  return metric.kind === 'drift' ? 'kind: drift' : null
}

function whatOf(metric: MetricSpec, countsFailures: boolean): readonly string[] {
  const whole = whyWhole(metric)
  if (whole !== null) return [whole]
  // Failures are counted where they are compared.
  const isUnread = hasOwnScale(metric) || (metric.kind === 'error-rate' && !countsFailures)
  return [
    ...(metric.segments === undefined ? [] : ['its segments']),
    ...(isUnread && isLimited(metric) ? ['its limit'] : []),
  ]
}

function hasOwnScale(metric: MetricSpec): boolean {
  return metric.kind === 'latency' || 'cap' in metric
}
