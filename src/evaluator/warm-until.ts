import type { RolloutState } from '../domain/rollout-state.ts'
import { beginsToAnswer } from '../rollout/mirror-step.ts'
import type { RolloutPlan } from '../rollout/plan.ts'

/** Until when a canary is cold that began to answer `now`, by the move from `before` to `after`; -Infinity = it did not. */
export function warmUntil(
  { steps, spec }: RolloutPlan,
  before: RolloutState,
  after: RolloutState,
  now: number,
): number {
  return beginsToAnswer(steps, before, after) ? now + spec.analysis.warmUpMs : -Infinity
}
