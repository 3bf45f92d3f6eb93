import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { firstWeight } from './mirror-step.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/** How long nothing is judged in a step: the warm-up, which the first step and the first weight have; ms. */
export function idleMs({ steps, spec }: RolloutPlan, { step }: RolloutState): number {
  return step === 0 || step === firstWeight(steps) ? spec.analysis.warmUpMs : 0
}

/**
 * Seconds until all that is wanted is there; null = nothing is so far. What is folded by now was drawn until
 * `lagMs` ago, so the pace is that of the time before: with a long window the whole time would make it too slow.
 * `haste`: the pace of now over that, see `hasteOf`.
 */
export function etaAtPace(
  done: number,
  wanted: number,
  elapsedMs: number,
  lagMs: number,
  haste = 1,
): number | null {
  if (done === 0) return null
  return (((wanted - done) / done) * Math.max(1000, elapsedMs - lagMs)) / haste / 1000
}

/**
 * How much faster canary units are drawn now than over the whole step at a weight, which may have nights without
 * traffic in it; 1 where either is not known.
 */
export function hasteOf(plan: RolloutPlan, state: RolloutState, seen: Observation): number {
  const { now, stepCanaryUnits, unitsPerSecond } = seen
  const share = state.weightBp / WHOLE_BP
  // Where the canary has all requests nothing is drawn.
  if (stepCanaryUnits === 0 || share === 1) return 1
  const lately = (unitsPerSecond ?? 0) * share
  const elapsedMs = Math.max(1000, now - state.stepEnteredAt - idleMs(plan, state))
  return lately === 0 ? 1 : (lately * elapsedMs) / (stepCanaryUnits * 1000)
}
