import type { RolloutState } from '../domain/rollout-state.ts'
import { reconcile, type Circumstances } from '../rollout/reconcile.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Refusal, Transition } from '../rollout/transition.ts'

/**
 * What a configuration makes of a rollout while `pending` is not stored: a rollback that waits for the store
 * stands; a configuration that does may be taken back.
 */
export function reconcilePending(
  plan: RolloutPlan,
  stored: RolloutState | null,
  pending: Transition | null,
  seen: Circumstances,
): Transition | Refusal {
  const rollback = pending?.decision?.action === 'rollback' ? pending : null
  const next = reconcile(plan, rollback?.state ?? stored, seen)
  if ('refused' in next || rollback === null) return next
  return { ...next, decision: next.decision ?? rollback.decision }
}
