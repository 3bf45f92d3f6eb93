import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import { isProviderMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import { isWaitedFor } from './label-minimums.ts'
import { isLimited } from './limits.ts'
import type { RolloutPlan } from './plan.ts'

/** Something of the rules that drawn traffic cannot answer: a metric, and what of it in words. */
export type LeftOut = {
  readonly metric: string
  readonly what: string
  /** A promotion waits for it in life, so that nothing here says when one comes. */
  readonly decides: boolean
}

/** What is left out of a metric whose values are drawn. */
const ITS_LIMIT = 'its limit'

/**
 * The rules as far as drawn traffic can answer them, and what they do without. Nothing of drawn requests
 * drifts and no other system measures them; their latencies and errors have a
 * scale of their own, which caps and limits in the configuration's units say nothing about; so have totals and numbers.
 */
export function drawableRules(rules: RolloutPlan): {
  readonly plan: RolloutPlan
  readonly leftOut: readonly LeftOut[]
} {
  const drawn = rules.metrics.filter((m) => whyWhole(m) === null)
  const hypotheses = rules.hypotheses.filter(
    (h) => h.metric === null || drawn.some((m) => m.name === h.metric),
  )
  const countsFailures = hypotheses.some((h) => h.source.of === 'failure')
  // Failures are counted where they are compared.
  const isUnread = (m: MetricSpec) =>
    isOfOwnScale(m) || (m.kind === 'error-rate' && !countsFailures)
  const plan: RolloutPlan = {
    ...rules,
    metrics: drawn.map((m) => (isUnread(m) ? { ...m, max: null, min: null } : m)),
    hypotheses: hypotheses.map(withoutCap),
  }
  const whatOf = (m: MetricSpec): readonly string[] => {
    const whole = whyWhole(m)
    if (whole !== null) return [whole]
    return isUnread(m) && isLimited(m) ? [ITS_LIMIT] : []
  }
  const leftOut = rules.metrics.flatMap((m) =>
    whatOf(m).map((what) => {
      const isJudged = m.mode === 'decide' && m.onFailure !== 'warn' && isAwaited(m, what)
      const decides = isJudged || (what !== ITS_LIMIT && isWaitedFor(m, rules))
      return { metric: m.name, what, decides }
    }),
  )
  return { plan, leftOut }
}

/** Why no change of a metric's value can be drawn, so that none would be judged; null = one can. */
export function whyUnchangeable(metric: MetricSpec): string | null {
  const whole = whyWhole(metric)
  if (whole !== null) return whole
  // Of it a limit alone is read, whose unit drawn values do not have.
  return isOfOwnScale(metric) && metric.maxChange === null ? ITS_LIMIT : null
}

/** Whether drawn values of a metric have another unit than its limits; counts, shares and their ratios have none. */
function isOfOwnScale(metric: MetricSpec): boolean {
  return metric.kind === 'latency' || ('cap' in metric && metric.kind !== 'ratio')
}

/** Drawn values have a cap of their own. */
function withoutCap(hypothesis: Hypothesis): Hypothesis {
  const { source } = hypothesis
  const isShare = source.of === 'ratio' || (source.of === 'score' && source.score === 'correct')
  if (!isContinuous(source) || isShare) return hypothesis
  return { ...hypothesis, source: { ...source, cap: null } }
}

// A limit is kept while the canary does not break it, and drift is only ever shown.
function isAwaited({ kind }: MetricSpec, what: string): boolean {
  return what !== ITS_LIMIT && kind !== 'drift' && kind !== 'disagreement'
}

/** Kinds whose values nothing is assumed of. */
const UNKNOWN: readonly MetricSpec['kind'][] = ['drift', 'disagreement']

/** Why nothing of a metric can be drawn; null = something can. */
function whyWhole(metric: MetricSpec): string | null {
  if (metric.threshold !== undefined) return 'method: threshold'
  if (isProviderMetric(metric)) return `kind: ${metric.kind}`
  return UNKNOWN.includes(metric.kind) ? `kind: ${metric.kind}` : null
}
