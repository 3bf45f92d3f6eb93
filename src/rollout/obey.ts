import type { Command, DecisionAction } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { bpToPercent } from '../domain/units.ts'
import { describeCaution } from './caution.ts'
import { describeStep } from './describe-step.ts'
import { formatTimeSpan } from './format.ts'
import { DOWN_AFTER_MS, type Observation } from './observation.ts'
import { isBlueGreen, type RolloutPlan } from './plan.ts'
import { describeWatch } from './summary.ts'
import {
  endWatch,
  enterStep,
  enterWatch,
  move,
  pause,
  rollBack,
  stay,
  type DecisionSeed,
  type Refusal,
  type Transition,
} from './transition.ts'

/** What an operator's command does in each phase; a refusal says why, and what would be possible. */
export function obey(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
): Transition | Refusal {
  switch (command.verb) {
    case 'promote':
      if (command.variant !== undefined) {
        return refuse('a rollout promotes its canary: only a fixed split is given a variant')
      }
      return promote(plan, state, seen, command, command.full)
    case 'abort':
      return abort(state, seen, command)
    case 'pause':
      return pauseByHand(state, seen, command)
    case 'resume':
      return resume(plan, state, seen, command)
    case 'retry':
      return retry(plan, state, seen, command, command.force)
    case 'undo':
      return undo(state, seen, command)
    case 'weights':
      return overrideWeight(plan, state, seen, command, command.canaryBp)
  }
}

function promote(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
  full: boolean,
): Transition | Refusal {
  const by = (action: DecisionAction, summary: string) => seed(command, action, summary)
  // Said twice, it must not take the watch away as well: without `full` it does.
  if (full && (state.phase === 'watching' || state.phase === 'promoted')) return stay(state)
  switch (state.phase) {
    case 'promoted':
      return refuse(`${state.canaryVersion} is promoted already`)
    case 'rolled-back':
      return refuse(`${state.canaryVersion} is rolled back: \`retry\` starts a new attempt`)
    case 'watching':
      return endWatch(
        state,
        seen.now,
        by('promote', `${command.actor} ended the watch: ${state.canaryVersion} is promoted.`),
      )
    case 'idle':
    case 'progressing':
    case 'paused':
      break
  }
  if (full) {
    const summary = isBlueGreen(plan)
      ? switchedBy(command, state)
      : `${command.actor} promoted ${state.canaryVersion} to ${describeWatch(plan)}, past the evidence.${describeCaution(plan, state, seen)}`
    return enterWatch(plan, started(state, seen), seen.now, by('promote', summary))
  }
  if (seen.canary.downForMs >= DOWN_AFTER_MS || !seen.canary.ready) {
    return refuse(
      `no upstream of ${state.canaryVersion} answers, so its users would get errors (\`promote --full\` moves all the same)`,
    )
  }
  // A rollout that was paused in its watch has no further step: it goes back into the watch.
  const index = state.phase === 'idle' ? 0 : Math.min(state.step + 1, plan.steps.length - 1)
  const next = plan.steps[index]!
  const isLast = index === plan.steps.length - 1
  const action = index === 0 ? 'start' : isLast ? 'promote' : 'advance'
  const to = isLast ? describeWatch(plan) : describeStep(next)
  // The first weight is given for the canary to be judged.
  const gives = index > 0 && next.kind === 'weight' && next.weightBp > state.weightBp
  const caution = gives ? describeCaution(plan, state, seen) : ''
  const summary =
    isLast && isBlueGreen(plan)
      ? switchedBy(command, state)
      : `${command.actor} moved ${state.canaryVersion} to ${to}, past the evidence.${caution}`
  return enterStep(plan, started(state, seen), index, seen.now, by(action, summary))
}

// The approval stands for the proof, and whoever reads the log must not take it for one.
function switchedBy({ actor }: Command, { canaryVersion, weightBp }: RolloutState): string {
  return `${actor} approved ${canaryVersion}: switched from ${bpToPercent(weightBp)} % to 100 % without comparative proof (blue-green).`
}

/** Rolls back from any phase, in the name of who asked for it. */
export function abort(
  state: RolloutState,
  seen: Pick<Observation, 'now'>,
  command: Pick<Command, 'actor' | 'note'>,
): Transition {
  // Asking twice for what is so already is no error: a pipeline may repeat itself.
  if (state.phase === 'rolled-back') return stay(state)
  const summary = `${command.actor} aborted the rollout of ${state.canaryVersion} at ${bpToPercent(state.weightBp)} %.`
  return rollBack(state, seen.now, seed(command, 'rollback', summary))
}

function pauseByHand(
  state: RolloutState,
  seen: Observation,
  command: Command,
): Transition | Refusal {
  if (state.phase === 'paused' && state.pausedBy !== 'timer') return stay(state)
  if (state.phase !== 'progressing' && state.phase !== 'paused') {
    return refuse(`nothing to pause: the rollout is ${state.phase}`)
  }
  const summary = `${command.actor} paused at ${bpToPercent(state.weightBp)} %.`
  return pause(state, 'operator', seen.now, seed(command, 'pause', summary))
}

function resume(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
): Transition | Refusal {
  if (state.phase === 'progressing') return stay(state)
  if (state.phase !== 'paused') return refuse(`nothing to resume: the rollout is ${state.phase}`)
  if (state.pausedBy === 'approval') {
    return refuse('the rollout waits for an approval, which `promote` gives and `resume` does not')
  }
  if (state.pausedBy === 'timer') {
    return refuse('the pause is a step of the plan and ends by itself: `promote` ends it now')
  }
  const { pausedMetric } = state
  const acknowledged =
    pausedMetric === null ? state.acknowledged : [...state.acknowledged, pausedMetric]
  const what =
    pausedMetric === null ? '' : `; ${pausedMetric} only reports for the rest of the attempt`
  const summary = `${command.actor} resumed${what}.`
  const resumed = enterStep(plan, state, state.step, seen.now, seed(command, 'resume', summary))
  return {
    ...resumed,
    state: { ...resumed.state, acknowledged },
    resetRatio: state.pausedBy === 'ratio-mismatch',
  }
}

function retry(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
  force: boolean,
): Transition | Refusal {
  if (state.phase !== 'rolled-back') {
    return refuse(`only a rolled-back version can be retried: the rollout is ${state.phase}`)
  }
  const waited = seen.now - state.rolledBackAt
  if (waited < plan.spec.cooldownMs && !force) {
    const left = formatTimeSpan(plan.spec.cooldownMs - waited)
    return refuse(`the cooldown has ${left} left: \`retry --force\` does not wait`)
  }
  const attempt = state.attempt + 1
  const summary = `${command.actor} retried ${state.canaryVersion}: attempt ${attempt} draws anew who gets the canary, and earlier evidence does not count.`
  const fresh = { ...state, startedAt: seen.now, pausedMs: 0, acknowledged: [], attempt }
  const decision = seed(command, 'retry', summary)
  const entered = seen.canary.ready
    ? enterStep(plan, fresh, 0, seen.now, decision)
    : move(fresh, { phase: 'idle', idleReason: 'canary-not-ready' }, {}, decision)
  return { ...entered, resetEvidence: true }
}

function undo(state: RolloutState, seen: Observation, command: Command): Transition | Refusal {
  if (state.phase === 'rolled-back') {
    if (state.rolledBackReason === 'operator') return stay(state)
    return refuse('undo takes back a promotion: the rollout is rolled-back, `retry` starts it anew')
  }
  if (state.phase !== 'watching' && state.phase !== 'promoted') {
    return refuse(`undo takes back a promotion: the rollout is ${state.phase}, \`abort\` ends it`)
  }
  const summary = `${command.actor} took the promotion of ${state.canaryVersion} back.`
  return rollBack(state, seen.now, seed(command, 'undo', summary))
}

function overrideWeight(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
  canaryBp: number,
): Transition | Refusal {
  if (state.phase !== 'progressing' && state.phase !== 'paused') {
    return refuse(`the phase ${state.phase} fixes the weights: ${wayOut(state.phase)}`)
  }
  if (state.phase === 'paused' && state.pausedBy === 'override' && state.weightBp === canaryBp) {
    return stay(state)
  }
  const caution = canaryBp > state.weightBp ? describeCaution(plan, state, seen) : ''
  const summary = `${command.actor} set the canary to ${bpToPercent(canaryBp)} % and so paused the rollout.${caution}`
  const paused = pause(state, 'override', seen.now, seed(command, 'override', summary))
  return { ...paused, state: { ...paused.state, weightBp: canaryBp } }
}

function wayOut(phase: RolloutState['phase']): string {
  switch (phase) {
    case 'idle':
      return '`promote` starts the rollout'
    case 'rolled-back':
      return '`retry` starts a new attempt'
    default:
      return '`undo` takes the promotion back'
  }
}

function started(state: RolloutState, seen: Observation): RolloutState {
  return state.phase === 'idle' ? { ...state, startedAt: seen.now, pausedMs: 0 } : state
}

function seed(
  { actor, note }: Pick<Command, 'actor' | 'note'>,
  action: DecisionAction,
  summary: string,
): DecisionSeed {
  return { action, reason: 'operator', actor, note, summary }
}

function refuse(detail: string): Refusal {
  return { refused: true, detail }
}
