import type { DecisionAction, PausedBy } from '../domain/decision.ts'
import type { RolloutCommon, RolloutPhase, RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { watchWeight, weightBefore, type RolloutPlan } from './plan.ts'

/** The result of one look at a rollout: the state to store, and the decision to log when there is one. */
export type Transition = {
  readonly state: RolloutState
  readonly decision: DecisionSeed | null
  /** The evidence of the attempt so far is void: a new attempt began. */
  readonly resetEvidence: boolean
  /** The sample-ratio test begins anew from here: an operator has looked at the mismatch. */
  readonly resetRatio: boolean
}

/** What the gate that spoke says; the evaluator adds time, evidence and numbers. */
export type DecisionSeed = {
  readonly action: DecisionAction
  readonly reason: string
  readonly actor: string
  readonly note: string | null
  /** One sentence with the numbers. */
  readonly summary: string
}

/** An operator asked for what the phase forbids. `detail` says why, and what would be possible. */
export type Refusal = { readonly refused: true; readonly detail: string }

/** The actor of every automatic decision. */
export const EVALUATOR = 'evaluator'

/** The state stays as it is and nothing is logged. */
export function stay(state: RolloutState): Transition {
  return { state, decision: null, resetEvidence: false, resetRatio: false }
}

/** Moves to `phase` with the common fields changed by `change`, and logs `decision`. */
export function move(
  state: RolloutState,
  phase: RolloutPhase,
  change: Partial<RolloutCommon>,
  decision: DecisionSeed,
): Transition {
  const common = { ...state, holdReason: null, ...change, revision: state.revision + 1 }
  return {
    state: Object.assign(commonOf(common), phase),
    decision,
    resetEvidence: false,
    resetRatio: false,
  }
}

/** Enters step `index` of the plan: a mirror, a weight, a pause, or (at a weight of 100 %) the watch. */
export function enterStep(
  plan: RolloutPlan,
  state: RolloutState,
  index: number,
  now: number,
  decision: DecisionSeed,
): Transition {
  const step = plan.steps[index]!
  const change = { step: index, stepEnteredAt: now, pausedMs: pausedMsAt(state, now) }
  if (step.kind === 'pause') {
    const timed = step.durationMs !== null
    return move(
      state,
      {
        phase: 'paused',
        pausedBy: timed ? 'timer' : 'approval',
        pausedAt: now,
        resumeAt: timed ? now + step.durationMs : null,
        pausedMetric: null,
      },
      { ...change, weightBp: weightBefore(plan, index) },
      decision,
    )
  }
  // Nobody is answered by the canary yet: all that its step has is copies.
  if (step.kind === 'mirror') {
    return move(state, { phase: 'progressing' }, { ...change, weightBp: 0 }, decision)
  }
  if (step.weightBp === WHOLE_BP) return enterWatch(plan, state, now, decision)
  return move(state, { phase: 'progressing' }, { ...change, weightBp: step.weightBp }, decision)
}

/** Gives the canary everything but what is held back, and watches it for the configured time. */
export function enterWatch(
  plan: RolloutPlan,
  state: RolloutState,
  now: number,
  decision: DecisionSeed,
): Transition {
  return move(
    state,
    { phase: 'watching', watchUntil: now + plan.spec.watchMs },
    {
      step: plan.steps.length - 1,
      stepEnteredAt: now,
      weightBp: watchWeight(plan),
      pausedMs: pausedMsAt(state, now),
    },
    decision,
  )
}

/** Ends the watch: everybody gets the canary. */
export function endWatch(state: RolloutState, now: number, decision: DecisionSeed): Transition {
  return move(state, { phase: 'promoted', promotedAt: now }, { weightBp: WHOLE_BP }, decision)
}

/** Stops where the rollout stands; the weight stays. */
export function pause(
  state: RolloutState,
  pausedBy: PausedBy,
  now: number,
  decision: DecisionSeed,
  pausedMetric: string | null = null,
): Transition {
  return move(
    state,
    { phase: 'paused', pausedBy, pausedAt: now, resumeAt: null, pausedMetric },
    // A pause on top of a pause: what has passed of the first counts as paused time.
    { pausedMs: pausedMsAt(state, now) },
    decision,
  )
}

/** Gives the baseline everything. */
export function rollBack(state: RolloutState, now: number, decision: DecisionSeed): Transition {
  return move(
    state,
    { phase: 'rolled-back', rolledBackAt: now, rolledBackReason: decision.reason },
    { weightBp: 0, step: 0, pausedMs: pausedMsAt(state, now) },
    decision,
  )
}

/** Time that the attempt has been running outside pauses, in ms. */
export function activeMs(state: RolloutState, now: number): number {
  return now - state.startedAt - pausedMsAt(state, now)
}

/** The parts of a state that every phase has. Written out, so that the compiler notices a field that is forgotten. */
function commonOf(state: RolloutCommon): RolloutCommon {
  return {
    service: state.service,
    baselineVersion: state.baselineVersion,
    canaryVersion: state.canaryVersion,
    attempt: state.attempt,
    revision: state.revision,
    step: state.step,
    weightBp: state.weightBp,
    startedAt: state.startedAt,
    stepEnteredAt: state.stepEnteredAt,
    pausedMs: state.pausedMs,
    acknowledged: state.acknowledged,
    holdReason: state.holdReason,
    configHash: state.configHash,
    concernKey: state.concernKey,
    fingerprint: state.fingerprint,
  }
}

function pausedMsAt(state: RolloutState, now: number): number {
  return state.phase === 'paused' ? state.pausedMs + (now - state.pausedAt) : state.pausedMs
}

/** Whether the two variants are compared by the rollout's own doing: in its steps, and while a share is held back. */
export function isComparing({ phase, weightBp }: RolloutState): boolean {
  return phase === 'progressing' || (phase === 'watching' && weightBp < WHOLE_BP)
}

/** Whether new requests are evidence: a baseline that is down or failing is nothing to compare with. */
export function isCompared(state: RolloutState): boolean {
  return state.phase !== 'paused' || state.pausedBy !== 'baseline'
}
