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
  const drawn = rules.metrics.filter((m) => whyWhole(m) === null)
  const hypotheses = rules.hypotheses.filter(
    (h) => h.segment === undefined && (h.metric === null || drawn.some((m) => m.name === h.metric)),
  )
  const countsFailures = hypotheses.some((h) => h.source.of === 'failure')
  // Failures are counted where they are compared.
  const isUnread = (m: MetricSpec) =>
    m.kind === 'latency' || 'cap' in m || (m.kind === 'error-rate' && !countsFailures)
  const plan: RolloutPlan = {
    ...rules,
    metrics: drawn.map((m) => (isUnread(m) ? { ...m, max: null, min: null } : m)),
    hypotheses: hypotheses.map((h) =>
      h.source.of === 'score' && h.source.score !== 'correct'
        ? { ...h, source: { ...h.source, cap: null } }
        : h,
    ),
  }
  const whatOf = (m: MetricSpec): readonly string[] => {
    const whole = whyWhole(m)
    if (whole !== null) return [whole]
    return [
      ...(m.segments === undefined ? [] : ['its segments']),
      ...(isUnread(m) && isLimited(m) ? ['its limit'] : []),
    ]
  }
  const leftOut = rules.metrics.flatMap((m) => whatOf(m).map((what) => ({ metric: m.name, what })))
  return { plan, leftOut }
}

/** Why no change of a metric's value can be drawn, so that none would be judged; null = one can. */
export function whyUnchangeable(metric: MetricSpec): string | null {
  const whole = whyWhole(metric)
  if (whole !== null) return whole
  // Of it a limit alone is read, whose unit drawn values do not have.
  const isUnread = metric.kind === 'latency' || 'cap' in metric
  return isUnread && metric.maxChange === null ? 'its limit' : null
}

/** Kinds whose values nothing is assumed of. */
const UNKNOWN: readonly MetricSpec['kind'][] = ['drift', 'sum', 'mean', 'ratio', 'disagreement']

/** Why nothing of a metric can be drawn; null = something can. */
function whyWhole(metric: MetricSpec): string | null {
  if (metric.threshold !== undefined) return 'method: threshold'
  if (isProviderMetric(metric)) return `kind: ${metric.kind}`
  return UNKNOWN.includes(metric.kind) ? `kind: ${metric.kind}` : null
}
