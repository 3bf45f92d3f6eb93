import type { Evidence } from '../domain/evidence.ts'
import type { LearntTerms } from '../domain/replica.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { isLabelMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { PairLabels } from '../metrics/pair-labels.ts'
import type { RolloutPlan } from '../rollout/plan.ts'

type Learnt = Pick<LearntTerms, 'caps' | 'bins'>

/** What the ledger's first values have taught since the last time, of what is not known yet. */
export function takeLearnt(plan: RolloutPlan, known: Learnt, ledger: CohortLedger): Learnt {
  const caps: Record<string, number> = {}
  for (const metric of plan.metrics) {
    if (isKnown(metric) || known.caps[metric.name] !== undefined) continue
    const cap = ledger.takeLearntCap(metric.name, 'minLabels' in metric ? metric.minLabels : 0)
    if (cap !== null) caps[metric.name] = cap
  }
  const bins: Record<string, readonly number[]> = {}
  for (const hypothesis of plan.hypotheses) {
    const { id } = hypothesis
    if (!isOfDrift(hypothesis) || known.bins[id] !== undefined) continue
    const edges = ledger.takeLearntEdges(id)
    if (edges !== null) bins[id] = edges
  }
  return { caps, bins }
}

/** The evidence with what the ledger's first values have taught since the last time; the same where that is nothing. */
export function learnFrom(ledger: CohortLedger, evidence: Evidence, plan: RolloutPlan): Evidence {
  if (plan.metrics.every(isKnown) && !plan.hypotheses.some(isOfDrift)) return evidence
  const { caps, bins = {} } = evidence
  return withLearnt(evidence, takeLearnt(plan, { caps, bins }, ledger))
}

/** Values of the metric teach nothing: they are not capped, or by the configuration. */
function isKnown(metric: MetricSpec): boolean {
  return !('cap' in metric) || metric.cap !== null
}

function isOfDrift({ source }: Hypothesis): boolean {
  return source.of === 'drift'
}

/** Caps that the labels of pairs have taught since the last time, of metrics whose cap is not known yet. */
export function takePairCaps(
  { metrics }: Pick<RolloutPlan, 'metrics'>,
  known: Learnt['caps'],
  labels: PairLabels,
): Learnt['caps'] {
  const caps: Record<string, number> = {}
  for (const metric of metrics) {
    if (!isLabelMetric(metric) || metric.kind === 'accuracy' || metric.cap !== null) continue
    if (known[metric.name] !== undefined) continue
    const cap = labels.takeLearntCap(metric.name, metric.minLabels)
    if (cap !== null) caps[metric.name] = cap
  }
  return caps
}

/** The evidence with what was learnt beside what it has, which is frozen for the attempt; the same where that is all. */
export function withLearnt(evidence: Evidence, { caps, bins }: Learnt): Evidence {
  const isNews = (learnt: object, known: object = {}) =>
    Object.keys(learnt).some((name) => !(name in known))
  let next = evidence
  if (isNews(caps, next.caps)) next = { ...next, caps: { ...caps, ...next.caps } }
  if (isNews(bins, next.bins)) next = { ...next, bins: { ...bins, ...next.bins } }
  return next
}
