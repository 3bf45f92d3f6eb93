import {
  isLabelMetric,
  isValueMetric,
  isWaitingMetric,
  readsAnswer,
  type LabelMetricSpec,
  type MetricSpec,
  type StepSpec,
  type ValueMetricSpec,
} from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { formatDuration } from '../domain/units.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { formatCount } from './format.ts'
import { sourceOf } from './metric-source.ts'
import { describeUnscored, isTooMuch } from './missing-scores.ts'
import type { Missing } from './missing.ts'
import { MissingPart } from './missing-part.ts'
import type { Observation } from './observation.ts'
import { etaAtPace, hasteOf, idleMs } from './pace.ts'
import type { RolloutPlan } from './plan.ts'
import { describeTeaching, teachingValues } from './teaching-values.ts'
import { describeUnreadable } from './unreadable.ts'

/** Labels, events and numbers of the canary that a step at a weight still needs. */
export function labelMinimums(
  plan: RolloutPlan,
  step: Extract<StepSpec, { kind: 'weight' }>,
  state: RolloutState,
  seen: Observation,
  reports: readonly MetricReport[],
  unit: string,
): Missing[] {
  const missing: Missing[] = []
  const elapsedMs = seen.now - state.stepEnteredAt
  for (const metric of plan.metrics) {
    const needed = valuesNeeded(metric, step.minRequests)
    if (needed === null || !isWaitingMetric(metric) || metric.mode !== 'decide') continue
    const report = reports.find((r) => r.name === metric.name)
    if (report === undefined || report.stepCanaryN >= needed) continue
    const write = () => {
      const what = isValueMetric(metric)
        ? waitedFor(metric, unit)
        : `canary labels in this step${unreadable(seen)}${unscored(metric.name, seen)}${tooLate(metric, seen)}`
      return `${metric.name}: ${report.stepCanaryN} of ${needed} ${what}${learning(metric, report)}`
    }
    const lagMs = () => idleMs(plan, state) + sourceOf(metric).windowMs
    const haste = () => hasteOf(plan, state, seen)
    const eta = () => etaAtPace(report.stepCanaryN, needed, elapsedMs, lagMs(), haste())
    missing.push(new MissingPart('minimum', write, eta))
  }
  return missing
}

/** Labels that a mirror step still needs: of pairs, both of whose predictions were held against them. */
export function mirrorLabelMinimums(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  reports: readonly MetricReport[],
): Missing[] {
  return plan.metrics.flatMap((metric) => {
    if (!isLabelMetric(metric) || metric.mode !== 'decide') return []
    const { name, minLabels, labelWindowMs } = metric
    const report = reports.find((r) => r.name === `${name}/mirror`)
    if (report === undefined || report.stepCanaryN >= minLabels) return []
    const elapsedMs = seen.now - state.stepEnteredAt
    const write = () =>
      `${report.name}: ${report.stepCanaryN} of ${minLabels} labels of pairs in this step${unreadable(seen)}${unscored(name, seen)}${learning(metric, report)}`
    const lagMs = () => idleMs(plan, state) + labelWindowMs
    const eta = () => etaAtPace(report.stepCanaryN, minLabels, elapsedMs, lagMs())
    return [new MissingPart('minimum', write, eta)]
  })
}

/** Values of the canary before a step is left; null = the metric is judged as its requests end. */
export function valuesNeeded(metric: MetricSpec, minRequests: number): number | null {
  if (isLabelMetric(metric) || metric.kind === 'mean') return metric.minLabels
  return isValueMetric(metric) ? minRequests : null
}

/** Whether a step of a plan is left with values of a metric alone: also of one whose failure only warns. */
export function isWaitedFor(metric: MetricSpec, { steps }: Pick<RolloutPlan, 'steps'>): boolean {
  if (!isWaitingMetric(metric) || metric.mode !== 'decide') return false
  return steps.some((step) => step.kind === 'weight' && valuesNeeded(metric, step.minRequests)! > 0)
}

function waitedFor(metric: ValueMetricSpec, unit: string): string {
  const { windowMs } = metric
  const what = readsAnswer(metric) ? 'the end of its answer' : 'its events'
  const window = windowMs === 0 ? '' : `, each waits ${formatDuration(windowMs)} for ${what}`
  return `${unit} judged in this step${window}`
}

// Values have come by the hundred, and none is judged yet: "0 of 300" alone would send people after their sender.
function learning(metric: MetricSpec, { cap }: MetricReport): string {
  const values = teachingValues(metric)
  if (values === null || cap !== null) return ''
  return `; ${describeTeaching(values)}`
}

function unreadable(seen: Observation): string {
  const found = describeUnreadable(seen)
  return found === null ? '' : `; ${found}`
}

// They join their requests all the same, so that nobody who sends them is told of a fault.
function tooLate(metric: LabelMetricSpec, { labelArrivals }: Observation): string {
  const { labels, late } = labelArrivals ?? { labels: 0, late: 0 }
  if (late === 0 || late < labels / 2) return ''
  return `; ${formatCount(late)} of ${formatCount(labels)} labels came too late: is labelWindow (${formatDuration(metric.labelWindowMs)}) long enough?`
}

// The evidence knows of them only when their window is over.
function unscored(metric: string, { labels, reports }: Observation): string {
  const found = labels.get(metric)
  if (found === undefined || !isTooMuch(found)) return ''
  const isKnown = reports.some((r) => r.name === `${metric}/label-missing` && r.unscored)
  return isKnown ? '' : `; ${describeUnscored(found, found.last)}`
}
