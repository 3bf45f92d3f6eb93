import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { NO_PAST } from '../rollout/reconcile.ts'
import { isOfStore } from './commit-error.ts'
import { readPast } from './read-past.ts'
import { reconcilePending } from './reconcile-pending.ts'
import type { RunnerDeps } from './runner-deps.ts'
import { beginsAnother, goOnAlone, type Pending } from './take-up.ts'

/** What is known of a rollout. */
export type KnownRollout = {
  /** As the store has it; null = not at all. */
  readonly stored: RolloutState | null
  readonly pending: Pending | null
  /** The store may have something newer. */
  readonly isUnsure: boolean
}

/**
 * Why a rollout cannot go on under another plan; null when it can. Other versions are judged by what the store has,
 * and are refused where it cannot be asked; everything else is taken without it. `readAnew` brings what is `known` up to
 * date, in place.
 */
export async function refusalUnder(
  { clock, follows }: Pick<RunnerDeps, 'clock' | 'follows'>,
  plan: RolloutPlan,
  known: KnownRollout,
  readAnew: () => Promise<unknown>,
): Promise<string | null> {
  try {
    if (known.isUnsure || beginsAnother(plan, known.stored)) await readAnew()
  } catch (error) {
    if (!isOfStore(error)) throw error
    if (beginsAnother(plan, known.stored)) return describeUnasked(plan, error)
  }
  const { stored, pending } = known
  const isRollback = pending?.decision?.action === 'rollback'
  if (stored !== null && isRollback && !follows() && beginsAnother(plan, stored)) {
    // Else it would be in no log, and the version could begin again without a `retry`.
    return `services.${plan.service}: the rollback of ${stored.canaryVersion} is not stored yet: other versions are taken when it is`
  }
  const seen = { actor: 'configuration', past: NO_PAST, now: clock.now() }
  const next = reconcilePending(plan, stored, pending, seen)
  return 'refused' in next ? next.detail : null
}

/** What another plan makes of a rollout, whatever the store says by now; `refusalUnder` must have been asked first. */
export async function takePlan(
  { store, clock }: Pick<RunnerDeps, 'store' | 'clock'>,
  plan: RolloutPlan,
  { stored, pending }: KnownRollout,
  actor: string,
): Promise<Pending> {
  const now = clock.now()
  try {
    const past = await readPast(store, plan, stored)
    const next = reconcilePending(plan, stored, pending, { actor, past, now })
    if ('refused' in next) return goOnAlone(plan, now, next.detail, stored)
    // What was gathered before a plan that is not stored yet answers none of its questions, and those of the stored one.
    const isStale = pending?.resetEvidence === true && !asksAsBefore(next.state, stored)
    const resetEvidence = next.resetEvidence || isStale
    return { ...next, resetEvidence }
  } catch (error) {
    if (!isOfStore(error)) throw error
    return goOnAlone(plan, now, describeUnasked(plan, error), stored)
  }
}

function asksAsBefore(state: RolloutState, stored: RolloutState | null): boolean {
  return (
    stored !== null &&
    rolloutId(state) === rolloutId(stored) &&
    state.fingerprint.analysis === stored.fingerprint.analysis
  )
}

/** What the store has not taken up of a plan that is in force, as a sentence; null = it has, or (`follows`) others have to. */
export function describeUntaken(
  plan: RolloutPlan,
  { stored, pending }: KnownRollout,
  follows: boolean,
): string | null {
  if (pending === null || (follows && pending.refused === undefined)) return null
  const { service, baselineVersion } = plan
  if (pending.refused === undefined) {
    if (stored !== null && isTakenUp(plan, stored)) return null
    return `services.${service}: its rollout goes on by the new file when the store has taken it`
  }
  const served = pending.state.weightBp === 0 ? baselineVersion : pending.state.canaryVersion
  const alone = `${served} alone is served here, and nothing is decided`
  if (stored === null) return `${pending.refused}. Until then ${alone}`
  const { canaryVersion } = stored
  return `services.${service}: the file names ${versionsOf(plan)}, and the store has ${versionsOf(stored)}, of which ${canaryVersion} serves: ${alone}. Make ${canaryVersion} the baseline, or load the file that the other gateways have`
}

// Files of several gateways may differ in what does not concern the rollout: in ports, say.
function isTakenUp({ configHash, concernKey }: RolloutPlan, stored: RolloutState): boolean {
  return stored.configHash === configHash || stored.concernKey === concernKey
}

function versionsOf(of: Pick<RolloutPlan, 'baselineVersion' | 'canaryVersion'>): string {
  return `${of.canaryVersion} beside ${of.baselineVersion}`
}

function describeUnasked(plan: RolloutPlan, error: unknown): string {
  const { message } = error as Error
  return `services.${plan.service}: whether ${versionsOf(plan)} may begin is known when the store can be asked (${message})`
}
