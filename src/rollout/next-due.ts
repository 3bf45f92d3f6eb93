import type { RolloutState } from '../domain/rollout-state.ts'
import { NO_TRAFFIC_AFTER_MS, type Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/**
 * Until when `step` gives the same of a state and of what was seen of it at `now`, where nothing changes but the time:
 * the first moment after it at which some gate may speak otherwise. Infinity = time alone changes nothing.
 * It may name a moment too many, never one too few.
 */
export function nextDue(
  plan: RolloutPlan,
  state: RolloutState,
  { now, lastRequestAt }: Pick<Observation, 'now' | 'lastRequestAt'>,
): number {
  if (state.phase === 'promoted' || state.phase === 'rolled-back') return Infinity
  const step = plan.steps[state.step]!
  const moments = [
    state.stepEnteredAt + (step.kind === 'pause' ? 0 : step.minDurationMs),
    (lastRequestAt ?? state.stepEnteredAt) + NO_TRAFFIC_AFTER_MS,
    state.startedAt + state.pausedMs + plan.spec.maxDurationMs,
    state.phase === 'paused' ? (state.resumeAt ?? Infinity) : Infinity,
    state.phase === 'watching' ? state.watchUntil : Infinity,
  ]
  return moments.reduce((due, at) => (at > now && at < due ? at : due), Infinity)
}
