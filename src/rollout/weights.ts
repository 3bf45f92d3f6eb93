import type { RolloutState } from '../domain/rollout-state.ts'
import { bpToPercent, WHOLE_BP } from '../domain/units.ts'

/** Weights of a state: the canary's share, the rest is the baseline's; basis points. */
export function weightsOf(state: RolloutState): {
  readonly baseline: number
  readonly canary: number
} {
  return { baseline: WHOLE_BP - state.weightBp, canary: state.weightBp }
}

/** The same in percent, as people read them. */
export function percentsOf(state: RolloutState): {
  readonly baseline: number
  readonly canary: number
} {
  const { baseline, canary } = weightsOf(state)
  return { baseline: bpToPercent(baseline), canary: bpToPercent(canary) }
}
