import { isWaitingMetric } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { RolloutPlan } from './plan.ts'
import { isComparing } from './transition.ts'

/** Whether cohorts open in a state: where both variants have a share, and where `measuresAlone`. */
export function opensCohorts(plan: Pick<RolloutPlan, 'metrics'>, state: RolloutState): boolean {
  const compares = isComparing(state) || state.phase === 'paused'
  if (state.weightBp === WHOLE_BP) return measuresAlone(plan, state)
  return compares && state.weightBp > 0
}

/**
 * Whether the canary has all requests, may still be taken back, and has an absolute limit on what comes after the outcome
 * of a request. Failures and latencies are counted without cohorts.
 */
function measuresAlone(
  { metrics }: Pick<RolloutPlan, 'metrics'>,
  { phase }: RolloutState,
): boolean {
  const isRunning = phase === 'watching' || phase === 'paused' || phase === 'progressing'
  return (
    isRunning &&
    metrics.some(
      (metric) => isWaitingMetric(metric) && (metric.max !== null || metric.min !== null),
    )
  )
}
