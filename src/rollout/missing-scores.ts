import type { LabelMetricSpec, MetricSpec } from '../domain/rollout-spec.ts'
import { isLabelMetric } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport, SeenLabels, UnscoredLabels } from '../domain/verdict.ts'
import { LOG_LOSS_TAKES } from '../statistics/score.ts'
import { isAcknowledged } from './acknowledged.ts'
import { formatCount } from './format.ts'
import type { Missing } from './missing.ts'
import { MissingPart } from './missing-part.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/** Share of the labels of an attempt that a metric may be unable to score before nothing is moved. */
const UNSCORED_SHARE = 0.05

/**
 * The metrics that decide on labels which say nothing to them. Both variants lack the same labels then, so that
 * no comparison would ever tell.
 */
export function missingScores(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): readonly Missing[] {
  return plan.metrics.flatMap((metric) => {
    if (!isDeciding(metric) || isAcknowledged(plan, state, metric.name)) return []
    return [...unscored(metric, seen), ...neverRight(metric, seen.reports)]
  })
}

/** Whether so many of the labels cannot be scored that nothing is moved. */
export function isTooMuch({ labels, of }: UnscoredLabels): boolean {
  return labels > UNSCORED_SHARE * of
}

/** What is said of labels that a metric could not score; `last`: one of them. */
export function describeUnscored(
  { labels, of }: UnscoredLabels,
  last: SeenLabels['last'] = null,
): string {
  const one =
    last === null ? '' : `a label of ${last.label} for a prediction of ${last.prediction}; `
  return `${formatCount(labels)} of ${formatCount(of)} labels cannot be scored: ${one}${LOG_LOSS_TAKES}`
}

function isDeciding(metric: MetricSpec): metric is LabelMetricSpec {
  return isLabelMetric(metric) && metric.mode === 'decide' && metric.onFailure !== 'warn'
}

function unscored({ name }: LabelMetricSpec, { reports, labels }: Observation): readonly Missing[] {
  const guard = `${name}/label-missing`
  return reports.flatMap((report) => {
    if (report.name !== guard && report.name !== `${guard}@${report.segment}`) return []
    const found = report.unscored
    if (found === undefined || !isTooMuch(found)) return []
    const where = report.name.replace('/label-missing', '')
    return [missing(() => `${where}: ${describeUnscored(found, labels.get(name)?.last)}`)]
  })
}

// An accuracy of a score, say: it equals no label, whichever model it is of.
function neverRight(
  { name, kind, minLabels }: LabelMetricSpec,
  reports: readonly MetricReport[],
): readonly Missing[] {
  const report = kind === 'accuracy' ? reports.find((r) => r.name === name) : undefined
  if (report === undefined) return []
  const { baseline, canary } = report
  if (baseline.value !== 0 || canary.value !== 0 || canary.n < minLabels) return []
  const labels = formatCount(baseline.n + canary.n)
  return [
    missing(
      () =>
        `${name}: no prediction equals its label (${labels} labels): accuracy compares classes; a score needs log-loss`,
    ),
  ]
}

function missing(write: () => string): Missing {
  return new MissingPart('unscored', write)
}
