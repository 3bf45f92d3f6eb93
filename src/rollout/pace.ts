import type { RolloutState } from '../domain/rollout-state.ts'
import { firstWeight } from './mirror-step.ts'
import type { RolloutPlan } from './plan.ts'

/** How long nothing is judged in a step: the warm-up, which the first step and the first weight have; ms. */
export function idleMs({ steps, spec }: RolloutPlan, { step }: RolloutState): number {
  return step === 0 || step === firstWeight(steps) ? spec.analysis.warmUpMs : 0
}

/**
 * Seconds until all that is wanted is there; null = nothing is so far. What is folded by now was drawn until
 * `lagMs` ago, so the pace is that of the time before: with a long window the whole time would make it too slow.
 */
export function etaAtPace(
  done: number,
  wanted: number,
  elapsedMs: number,
  lagMs: number,
): number | null {
  if (done === 0) return null
  return (((wanted - done) / done) * Math.max(1000, elapsedMs - lagMs)) / 1000
}
