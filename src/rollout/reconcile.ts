import type { Decision } from '../domain/decision.ts'
import { describePause } from '../domain/describe-pause.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { bpToPercent, WHOLE_BP } from '../domain/units.ts'
import type { RolloutPlan } from './plan.ts'
import { move, stay, type DecisionSeed, type Refusal, type Transition } from './transition.ts'

/** What is known beside the stored state when a configuration meets it. */
export type Circumstances = {
  readonly now: number
  /** Asked only where a plan begins a rollout. */
  readonly past: Past
  /** Who brought the configuration: `configuration`, or the name of who reloaded it. */
  readonly actor: string
}

/** What is known of the versions with which a rollout begins, from before. */
export type Past = {
  /** The last rollback of the canary version, whatever the baseline; null = it never was rolled back. */
  readonly rollback: {
    readonly at: number
    /** What was decided then; null where the log does not say so any more. */
    readonly decision: Pick<Decision, 'id' | 'reason'> | null
  } | null
  /** The highest number that an attempt of these two versions had; 0 = there was none. */
  readonly lastAttempt: number
}

/** Versions of which nothing is known. */
export const NO_PAST: Past = { rollback: null, lastAttempt: 0 }

/**
 * What a configuration makes of the stored rollout, at start and by reload: a new canary version is a
 * new rollout; changed weights or pauses begin again at step 0 with the evidence kept; what the α was planned with
 * (metrics, α, key, units, continuous margins) makes a new attempt; everything else applies in place. What somebody
 * paused begins again by hand alone. Refused while a promoted version is not named as the baseline.
 */
export function reconcile(
  plan: RolloutPlan,
  stored: RolloutState | null,
  seen: Circumstances,
): Transition | Refusal {
  if (stored === null) return beginRollout(plan, seen, null)
  const samePair =
    stored.canaryVersion === plan.canaryVersion && stored.baselineVersion === plan.baselineVersion
  if (samePair) return adapt(plan, stored, seen)
  const detail = refusalOf(plan, stored)
  if (detail !== null) return { refused: true, detail }
  return isBehind(plan, stored) ? serveOn(plan, seen, stored) : beginRollout(plan, seen, stored)
}

/**
 * What a configuration serves whatever is stored, where it cannot go on from that (null = nothing is known of it): its
 * baseline alone, or its canary alone where that is what the others have as the baseline by now.
 */
export function serveAlone(
  plan: RolloutPlan,
  seen: Circumstances,
  stored: RolloutState | null,
): Transition {
  return stored !== null && isBehind(plan, stored)
    ? serveOn(plan, seen, stored)
    : beginRollout(plan, seen, null)
}

/** Why a plan cannot follow the stored rollout, whose promoted version it does not name; null = it can. */
export function refusalOf(plan: RolloutPlan, stored: RolloutState): string | null {
  const why = whyRefused(plan, stored)
  return why === null ? null : `services.${plan.service}: ${why}`
}

/** The same without the name of the service. */
export function whyRefused(plan: RolloutPlan, stored: RolloutState): string | null {
  const { phase, canaryVersion } = stored
  const serves = phase === 'promoted' || phase === 'watching'
  const isSamePair =
    plan.canaryVersion === canaryVersion && plan.baselineVersion === stored.baselineVersion
  const isNamed = isSamePair || plan.baselineVersion === canaryVersion
  return serves && !isNamed
    ? `${canaryVersion} serves ${bpToPercent(stored.weightBp)} %: make it the baseline first`
    : null
}

// The stored rollout began when the plan's canary had become the baseline: the file is an older one, of a gateway that
// has not got the next one yet, or brought back by hand.
function isBehind(plan: RolloutPlan, stored: RolloutState): boolean {
  const { baselineVersion, canaryVersion } = stored
  return plan.canaryVersion === baselineVersion && plan.baselineVersion !== canaryVersion
}

/** Who has had the plan's canary as the baseline keeps it: the server of the one before may be off by now. */
function serveOn(plan: RolloutPlan, seen: Circumstances, stored: RolloutState): Transition {
  const summary = `${describeDropped(plan, stored)}${plan.canaryVersion} is the baseline beside ${stored.canaryVersion} already, and the configuration has it as the canary beside ${plan.baselineVersion}: it is taken as promoted and serves 100 %. \`undo\` leads back to ${plan.baselineVersion}.`
  const decision = configured(seen, 'promote', 'is-baseline', summary)
  const phase = { phase: 'promoted', promotedAt: seen.now } as const
  const whole = { step: plan.steps.length - 1, weightBp: WHOLE_BP }
  return { ...move(blankState(plan, seen, stored), phase, whole, decision), resetEvidence: true }
}

/** A rollout of the plan's versions as it begins, in place of the stored one; null = nothing is stored. */
function beginRollout(
  plan: RolloutPlan,
  seen: Circumstances,
  stored: RolloutState | null,
): Transition {
  const { rollback } = seen.past
  const blank = blankState(plan, seen, stored)
  const dropped = describeDropped(plan, stored)
  if (rollback !== null) {
    const { at, decision: before } = rollback
    const by = before === null ? '' : ` (by ${before.reason}, decision ${before.id})`
    const decision = configured(
      seen,
      'hold',
      'rolled-back-before',
      `${dropped}${plan.canaryVersion} was rolled back before${by} and stays so: \`retry\` starts a new attempt.`,
    )
    const phase = {
      phase: 'rolled-back',
      rolledBackAt: at,
      rolledBackReason: before?.reason ?? 'rolled-back-before',
    } as const
    return { ...move(blank, phase, {}, decision), resetEvidence: true }
  }
  const waits =
    plan.spec.start === 'manual' ? 'waits for `promote`' : 'starts when the canary is ready'
  const decision = configured(
    seen,
    'hold',
    'new-version',
    `${dropped}New canary version ${plan.canaryVersion} beside ${plan.baselineVersion}: the rollout ${waits}.`,
  )
  const idle = { phase: 'idle', idleReason: blank.idleReason } as const
  return { ...move(blank, idle, {}, decision), resetEvidence: true }
}

function blankState(
  plan: RolloutPlan,
  seen: Circumstances,
  stored: RolloutState | null,
): RolloutState & { readonly phase: 'idle' } {
  return {
    service: plan.service,
    baselineVersion: plan.baselineVersion,
    canaryVersion: plan.canaryVersion,
    attempt: seen.past.lastAttempt + 1,
    revision: stored?.revision ?? 0,
    step: 0,
    weightBp: 0,
    startedAt: seen.now,
    stepEnteredAt: seen.now,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash: plan.configHash,
    concernKey: plan.concernKey,
    fingerprint: plan.fingerprint,
    phase: 'idle',
    idleReason: plan.spec.start === 'manual' ? 'manual-start' : 'canary-not-ready',
  }
}

// Of a rollout that has ended nothing is dropped.
function describeDropped(plan: RolloutPlan, stored: RolloutState | null): string {
  const runs = stored?.phase === 'progressing' || stored?.phase === 'paused'
  if (!runs) return ''
  const { canaryVersion, baselineVersion, weightBp } = stored
  const named = `${plan.canaryVersion} beside ${plan.baselineVersion}`
  return `The rollout of ${canaryVersion} beside ${baselineVersion} was dropped at ${bpToPercent(weightBp)} %, since the configuration names ${named}. `
}

function adapt(plan: RolloutPlan, stored: RolloutState, seen: Circumstances): Transition {
  const { configHash, concernKey, fingerprint } = plan
  const change = { configHash, concernKey, fingerprint }
  const sameSteps = stored.fingerprint.steps === plan.fingerprint.steps
  const sameAnalysis = stored.fingerprint.analysis === plan.fingerprint.analysis
  // Not known of what an earlier version stored: its file tells.
  const sameMargins = (stored.fingerprint.margins ?? fingerprint.margins) === fingerprint.margins
  const sameFile = sameMargins && stored.configHash === configHash
  if (sameSteps && sameAnalysis && sameFile) return stay(stored)
  const wasIdle = stored.phase === 'idle'
  const running = stored.phase === 'progressing' || stored.phase === 'paused'
  const beginsAgain = running ? !sameSteps || !sameAnalysis : wasIdle && !sameAnalysis
  if (!beginsAgain) {
    // Nothing to decide: the plan is taken over with the next stored state.
    const at100 = stored.phase === 'watching' || stored.phase === 'promoted'
    const last = plan.steps.length - 1
    // One that was rolled back may have been further than the plan goes by now.
    const step = at100 ? last : Math.min(stored.step, last)
    const taken = stay({ ...stored, ...change, step, revision: stored.revision + 1 })
    // What was gathered for other questions answers none of these.
    return { ...taken, resetEvidence: !sameAnalysis }
  }
  const back = {
    ...change,
    step: 0,
    weightBp: 0,
    stepEnteredAt: seen.now,
    acknowledged: sameAnalysis ? stored.acknowledged : [],
  }
  // Through `idle`, so that the first step is entered by the gate that always enters it.
  const idleReason = wasIdle
    ? stored.idleReason
    : isPausedByHand(stored)
      ? 'manual-start'
      : 'canary-not-ready'
  const idle = { phase: 'idle', idleReason } as const
  const pause = describeEnded(stored)
  if (sameAnalysis) {
    const summary = `The steps of ${plan.canaryVersion} changed: back to the first one, the evidence stays.${pause}`
    return move(stored, idle, back, configured(seen, 'hold', 'steps-changed', summary))
  }
  const attempt = stored.attempt + 1
  const summary = `The analysis of ${plan.canaryVersion} changed: attempt ${attempt} draws anew who gets the canary, and earlier evidence does not count.${pause}`
  const decision = configured(seen, 'retry', 'analysis-changed', summary)
  return { ...move(stored, idle, { ...back, attempt }, decision), resetEvidence: true }
}

/** Whoever paused it means to say when it goes on, whatever a deployment changes meanwhile. */
function isPausedByHand(stored: RolloutState): boolean {
  return (
    stored.phase === 'paused' && (stored.pausedBy === 'operator' || stored.pausedBy === 'override')
  )
}

/** What becomes of a pause that is no step, after a blank; empty where there is none. */
function describeEnded(stored: RolloutState): string {
  if (stored.phase !== 'paused') return ''
  const { pausedBy, pausedMetric } = stored
  if (pausedBy === 'approval' || pausedBy === 'timer') return ''
  const ends = isPausedByHand(stored)
    ? 'it waits for `promote`, which starts it'
    : 'that pause is over'
  return ` It was paused ${describePause(pausedBy, pausedMetric)}: ${ends}.`
}

function configured(
  seen: Circumstances,
  action: DecisionSeed['action'],
  reason: string,
  summary: string,
): DecisionSeed {
  return { action, reason, actor: seen.actor, note: null, summary }
}
