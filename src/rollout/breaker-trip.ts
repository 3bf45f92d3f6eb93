import type { BreakerTrip } from '../domain/replica.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'
import { abort } from './obey.ts'
import { step } from './step.ts'
import type { Transition } from './transition.ts'

/**
 * The trip of a replica that gives the canary nothing because of `pending`; null where neither its breaker nor an
 * operator's abort is why.
 */
export function tripOf(state: RolloutState, pending: Transition | null): BreakerTrip | null {
  const decision = pending?.decision
  if (decision?.action !== 'rollback') return null
  const { service, revision } = state
  const { reason, actor, note, summary } = decision
  const trip = { service, rollout: rolloutId(state), revision, summary }
  if (reason === 'operator') return { ...trip, abort: { actor, note } }
  return reason === 'breaker' ? trip : null
}

/** Whether a trip is about this state: what was decided since knew of it, or makes it void. */
export function isTripOf(
  { service, rollout, revision }: BreakerTrip,
  state: RolloutState,
): boolean {
  return service === state.service && rollout === rolloutId(state) && revision === state.revision
}

/**
 * One look as `step` takes it, where the breaker of another replica may have tripped: its requests failed, so it
 * speaks as the own breaker would, and in its own words. An abort that an operator gave there is carried out as if it
 * had been given here.
 */
export function stepAfterTrip(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  trip: (Pick<BreakerTrip, 'summary' | 'abort'> & { readonly replica: string }) | null,
): Transition {
  if (trip === null) return step(plan, state, seen)
  if (trip.abort !== undefined) return abort(state, seen, trip.abort)
  const transition = step(plan, state, { ...seen, breaker: { ...seen.breaker, tripped: true } })
  const { decision } = transition
  if (decision?.reason !== 'breaker') return transition
  const { replica, summary } = trip
  return { ...transition, decision: { ...decision, actor: `breaker@${replica}`, summary } }
}

/**
 * A rollback that one replica made by itself while it could not ask the store, as a transition from what the
 * store has now: what users were protected from must not come back to them with the store. Null where it is
 * none, where another attempt goes on, or where the rollout has come since it was `known` last to where the canary
 * has nothing, or all of it for good.
 */
export function carryRollback(
  pending: Transition | null,
  stored: RolloutState,
  known: RolloutState,
): Transition | null {
  if (pending?.decision?.action !== 'rollback') return null
  if (rolloutId(pending.state) !== rolloutId(stored)) return null
  const { phase } = stored
  if (phase === 'rolled-back') return null
  // An operator may abort a mirror step, or a promotion: neither makes the abort void.
  if (stored.weightBp === 0 && known.weightBp > 0) return null
  if (phase === 'promoted' && known.phase !== 'promoted') return null
  return { ...pending, state: { ...pending.state, revision: stored.revision + 1 } }
}
