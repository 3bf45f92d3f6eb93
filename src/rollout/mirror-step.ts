import type { MirrorStepSpec, StepSpec } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'

/** Where a rollout stands in its steps. */
type Place = Pick<RolloutState, 'step' | 'weightBp'>

/**
 * The mirror step whose copies the canary gets: the current one, or the one before the pause that the
 * rollout is in. Null where the canary answers users, or gets nothing.
 */
export function mirrorStepAt(
  steps: readonly StepSpec[],
  { step, weightBp }: Place,
): MirrorStepSpec | null {
  // A weight that somebody set by hand in a mirror step ends the mirror.
  if (weightBp > 0) return null
  const current = steps.slice(0, step + 1).findLast((s) => s.kind !== 'pause')
  return current?.kind === 'mirror' ? current : null
}

/** The mirror step that a rollout is in now; null = no request is copied for it. */
export function runningMirror(
  steps: readonly StepSpec[],
  state: RolloutState,
): MirrorStepSpec | null {
  const runs = state.phase === 'progressing' || state.phase === 'paused'
  return runs ? mirrorStepAt(steps, state) : null
}

/** Whether the canary begins to answer users, or to answer copies, by the move from `before` to `after`. */
export function beginsToAnswer(
  steps: readonly StepSpec[],
  before: RolloutState,
  after: RolloutState,
): boolean {
  if (before.weightBp === 0 && after.weightBp > 0) return true
  return runningMirror(steps, before) === null && runningMirror(steps, after) !== null
}

/** Index of the first weight: what comes before it, nobody sees. */
export function firstWeight(steps: readonly StepSpec[]): number {
  return steps.findIndex((s) => s.kind === 'weight')
}

/** Whether some of the steps mirror. */
export function hasMirrorStep(steps: readonly StepSpec[]): boolean {
  return steps.some((s) => s.kind === 'mirror')
}
