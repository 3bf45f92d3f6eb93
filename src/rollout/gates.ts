import type { RolloutState } from '../domain/rollout-state.ts'
import { DOWN_AFTER_MS, NO_TRAFFIC_AFTER_MS, type Observation } from './observation.ts'
import { isBlueGreen, provingStep, type RolloutPlan } from './plan.ts'
import { isAcknowledged } from './acknowledged.ts'
import { lacksConfirmation } from './confirmation.ts'
import { firstMissing, isProved, missingFor, type Missing } from './missing.ts'
import { summarize } from './summary.ts'
import {
  activeMs,
  endWatch,
  enterStep,
  enterWatch,
  EVALUATOR,
  isComparing,
  pause,
  rollBack,
  stay,
  type DecisionSeed,
  type Transition,
} from './transition.ts'

/** One look at a rollout without an operator. The gates stand in order; the first that speaks decides. */
export type Gate = (plan: RolloutPlan, state: RolloutState, seen: Observation) => Transition | null

/**
 * The gates that may keep silent; when all of them do, `advance` speaks. Protection comes before
 * anything that waits for a sample, and is armed in every phase in which the canary may have traffic:
 * a rollback must not wait for an approval, a timer or a minimum of requests.
 */
export const GATES: readonly Gate[] = [
  settledPhase,
  startWhenReady,
  canaryDownOrBreaking,
  failedMetric,
  ratioMismatch,
  sickBaseline,
  pausedUntil,
  watchOver,
  noTraffic,
  stepRequirements,
]

function settledPhase(_plan: RolloutPlan, state: RolloutState): Transition | null {
  return state.phase === 'promoted' || state.phase === 'rolled-back' ? stay(state) : null
}

function startWhenReady(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  if (state.phase !== 'idle') return null
  if (state.idleReason === 'manual-start' || !seen.canary.ready) return stay(state)
  const decision = automatic('start', 'canary-ready', summarize.started(plan, state))
  // Waiting for the canary is no part of the rollout's time.
  const started = { ...state, startedAt: seen.now, pausedMs: 0 }
  return enterStep(plan, started, 0, seen.now, decision)
}

function canaryDownOrBreaking(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  const down = seen.canary.downForMs >= DOWN_AFTER_MS
  if (!down && !seen.breaker.tripped) return null
  const decision = down
    ? automatic('rollback', 'variant-down', summarize.canaryDown(plan, seen))
    : automatic('rollback', 'breaker', summarize.breaker(plan, seen))
  return rollBackUnlessSick(state, seen, decision)
}

function failedMetric(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  const failed = seen.reports.filter(
    (r) => r.verdict === 'failed' && !isAcknowledged(plan, state, r.name),
  )
  if (failed.length === 0) return null
  const toRollBack = failed.find((r) => r.onFailure === 'rollback' && r.required)
  if (toRollBack !== undefined) {
    const summary = summarize.harm(toRollBack, seen)
    return rollBackUnlessSick(state, seen, automatic('rollback', toRollBack.name, summary))
  }
  const toPause = failed.find((r) => r.onFailure === 'pause')
  // A pause that a metric asks for adds nothing to a pause, and would take 100 % from nobody in the watch.
  if (toPause === undefined || !isComparing(state)) return null
  const summary = summarize.harm(toPause, seen)
  const decision = automatic('pause', toPause.name, summary)
  return pause(state, 'metric', seen.now, decision, toPause.name)
}

function ratioMismatch(
  _plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  if (!isComparing(state)) return null
  if (seen.ratioMismatch.log < seen.ratioMismatch.threshold) return null
  const decision = automatic('pause', 'ratio-mismatch', summarize.ratioMismatch(seen))
  return pause(state, 'ratio-mismatch', seen.now, decision)
}

function sickBaseline(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  if (state.phase !== 'progressing' || !isSick(seen)) return null
  const decision = automatic('pause', 'baseline', summarize.sickBaseline(plan, seen))
  return pause(state, 'baseline', seen.now, decision)
}

function pausedUntil(plan: RolloutPlan, state: RolloutState, seen: Observation): Transition | null {
  if (state.phase !== 'paused') return null
  if (state.pausedBy !== 'timer' || state.resumeAt === null || seen.now < state.resumeAt) {
    return stay(state)
  }
  // A time that has passed switches nobody onto a canary that cannot be reached or is beyond a limit.
  const missing = firstMissing(plan, state, seen)
  if (missing === null) return nextStep(plan, state, seen, 'timer')
  return holdFor(plan, state, seen, missing)
}

function watchOver(_plan: RolloutPlan, state: RolloutState, seen: Observation): Transition | null {
  if (state.phase !== 'watching') return null
  if (seen.now < state.watchUntil) return stay(state)
  const decision = automatic('promote', 'watch-over', summarize.promoted(state, seen))
  return endWatch(state, seen.now, decision)
}

function noTraffic(plan: RolloutPlan, state: RolloutState, seen: Observation): Transition | null {
  const since = seen.lastRequestAt ?? state.stepEnteredAt
  if (seen.now - since < NO_TRAFFIC_AFTER_MS) return null
  const idle = `${plan.service} has no traffic`
  return (
    outOfTime(plan, state, seen, () => [idle]) ??
    hold(state, 'no-traffic', () => summarize.noTraffic(plan))
  )
}

function stepRequirements(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Transition | null {
  const missing = firstMissing(plan, state, seen)
  if (missing === null) return null
  const lacking = () =>
    missingFor(plan, state, seen).flatMap(({ kind, sentence }) =>
      kind === 'inconclusive' ? [] : [sentence],
    )
  return outOfTime(plan, state, seen, lacking) ?? holdFor(plan, state, seen, missing)
}

function holdFor(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  { kind }: Missing,
): Transition {
  // A minimum that fills by itself is no news; evidence that is not there yet is.
  if (kind === 'minimum') return stay(state)
  return hold(state, kind, () => summarize.hold(state, missingFor(plan, state, seen)))
}

/** Leaves a step that has done its work. */
export function advance(plan: RolloutPlan, state: RolloutState, seen: Observation): Transition {
  return nextStep(plan, state, seen, 'evidence')
}

/** The decision after step `state.step` has done its work. */
function nextStep(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  reason: string,
): Transition {
  const next = plan.steps[state.step + 1]!
  const proved = state.step >= provingStep(plan.steps)
  const isLast = next.kind === 'weight' && next.weightBp === 10_000
  if (isLast && lacksConfirmation(plan, seen)) return unconfirmed(state, seen)
  const action = next.kind === 'pause' ? 'pause' : isLast ? 'promote' : 'advance'
  const word = next.kind === 'pause' ? (next.durationMs === null ? 'approval' : 'timer') : reason
  const isPreviewed = isBlueGreen(plan) && plan.steps[state.step]!.kind === 'pause'
  const summary = isPreviewed
    ? summarize.switched(plan, state)
    : summarize.advanced(plan, state, seen, proved && isProved(plan, state, seen))
  return enterStep(plan, state, state.step + 1, seen.now, automatic(action, word, summary))
}

function outOfTime(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  lacking: () => readonly string[],
): Transition | null {
  if (activeMs(state, seen.now) < plan.spec.maxDurationMs) return null
  const summary = () => summarize.outOfTime(plan, state, seen, lacking())
  switch (plan.spec.onInconclusive) {
    case 'hold':
      return hold(state, 'max-duration', summary)
    case 'rollback':
      return rollBackUnlessSick(state, seen, automatic('rollback', 'max-duration', summary()))
    case 'promote':
      if (lacksConfirmation(plan, seen)) return unconfirmed(state, seen)
      return enterWatch(plan, state, seen.now, automatic('promote', 'max-duration', summary()))
  }
}

function rollBackUnlessSick(
  state: RolloutState,
  seen: Observation,
  decision: DecisionSeed,
): Transition {
  // Sending everybody to a baseline that fails too would turn a bad canary into an outage.
  if (!isSick(seen)) return rollBack(state, seen.now, decision)
  if (state.phase === 'paused') return stay(state)
  return pause(state, 'baseline', seen.now, {
    ...decision,
    action: 'pause',
    reason: 'baseline',
    summary: summarize.notOntoSickBaseline(decision.summary),
  })
}

// Waiting for a yes is not being inconclusive, so the time that the rollout may take ends no such wait.
function unconfirmed(state: RolloutState, seen: Observation): Transition {
  return hold(state, 'confirmation', () => summarize.unconfirmed(state, seen))
}

function hold(state: RolloutState, reason: string, summary: () => string): Transition {
  if (state.holdReason === reason) return stay(state)
  return {
    ...stay({ ...state, holdReason: reason, revision: state.revision + 1 }),
    decision: automatic('hold', reason, summary()),
  }
}

function isSick(seen: Observation): boolean {
  return seen.baseline.downForMs >= DOWN_AFTER_MS || seen.baseline.failing
}

function automatic(action: DecisionSeed['action'], reason: string, summary: string): DecisionSeed {
  return { action, reason, actor: EVALUATOR, note: null, summary }
}
