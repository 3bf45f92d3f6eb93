import type { DecisionDraft } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { draftDecision } from './draft-decision.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'
import { step } from './step.ts'

/**
 * The automatic step to 100 % that would be made now if it were confirmed: what those are asked about who
 * confirm it. Null while anything else is missing, and where a promotion needs no confirmation.
 */
export function promotionCandidate(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): DecisionDraft | null {
  if (!plan.confirmsPromotion) return null
  if (state.phase !== 'progressing' && state.phase !== 'paused') return null
  const transition = step(plan, state, { ...seen, confirmation: 'given' })
  if (transition.decision?.action !== 'promote') return null
  return draftDecision(transition, { plan, from: state, reports: seen.reports, now: seen.now })
}
