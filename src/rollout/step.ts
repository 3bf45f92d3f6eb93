import type { Command } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { advance, GATES } from './gates.ts'
import { obey } from './obey.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'
import type { Refusal, Transition } from './transition.ts'

/**
 * One step of a rollout's life, pure: the same state, observation and command always give the same
 * transition. A command speaks before every gate; without one the first gate that speaks decides.
 */
export function step(plan: RolloutPlan, state: RolloutState, seen: Observation): Transition
export function step(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
): Transition | Refusal
export function step(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command?: Command,
): Transition | Refusal {
  if (command !== undefined) return obey(plan, state, seen, command)
  for (const gate of GATES) {
    const transition = gate(plan, state, seen)
    if (transition !== null) return transition
  }
  return advance(plan, state, seen)
}
