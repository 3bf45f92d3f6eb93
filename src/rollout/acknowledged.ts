import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/** Whether an operator has resumed past a report's metric: it only reports for the rest of the attempt. */
export function isAcknowledged(plan: RolloutPlan, state: RolloutState, report: string): boolean {
  if (state.acknowledged.length === 0) return false
  const tests = [...plan.hypotheses, ...plan.pairTests]
  const metric = tests.find((test) => test.id === report)?.metric ?? report
  return state.acknowledged.includes(report) || state.acknowledged.includes(metric)
}

/** The reports that no operator has resumed past. */
export function openReports(
  plan: RolloutPlan,
  state: RolloutState,
  { reports }: Pick<Observation, 'reports'>,
): readonly MetricReport[] {
  if (state.acknowledged.length === 0) return reports
  return reports.filter((r) => !isAcknowledged(plan, state, r.name))
}
