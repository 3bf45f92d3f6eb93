import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { Transition } from './transition.ts'

/**
 * A rollback that one replica made by itself while it could not ask the store, as a transition from what the
 * store has now: what users were protected from must not come back to them with the store. Null where it is
 * none, where another attempt goes on, or where the canary has nothing, or all of it for good.
 */
export function carryRollback(pending: Transition | null, stored: RolloutState): Transition | null {
  if (pending?.decision?.action !== 'rollback') return null
  if (rolloutId(pending.state) !== rolloutId(stored)) return null
  if (stored.weightBp === 0 || stored.phase === 'promoted') return null
  const { step } = stored
  return { ...pending, state: { ...pending.state, step, revision: stored.revision + 1 } }
}
