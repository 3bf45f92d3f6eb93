import type { Command } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { abort } from '../rollout/obey.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { NO_PAST } from '../rollout/reconcile.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import { refusedBy, stale } from './command-results.ts'
import type { KnownRollout } from './plan-changes.ts'
import { reconcilePending } from './reconcile-pending.ts'
import type { RunnerResult } from './runner-deps.ts'
import { beginsAnother, type Pending } from './take-up.ts'

/**
 * What an operator's abort makes of a rollout while the store cannot be asked: a rollback to go by until it is stored,
 * or the result that it has at once. `ifMatch` is the revision of the state that is `shown`, null = any.
 */
export function abortUnstored(
  plan: RolloutPlan,
  shown: RolloutState,
  { stored, pending }: KnownRollout,
  order: Pick<Command, 'actor' | 'note'>,
  { now, ifMatch }: { readonly now: number; readonly ifMatch: number | null },
): Pending | RunnerResult {
  if (pending?.refused !== undefined) return refusedBy(pending.refused)
  const { revision, phase } = shown
  if (ifMatch !== null && ifMatch !== revision) return stale('rollout', revision, ifMatch)
  if (phase === 'rolled-back') return { ok: true, decision: null }
  if (stored === null || beginsAnother(plan, stored)) return notBegun(plan)
  // Of an attempt that only a file has begun the store knows nothing: the one before it ends, and is found again.
  const rollback = abort(stored, { now }, order)
  const by = { actor: 'configuration', past: NO_PAST, now }
  const next = reconcilePending(plan, stored, rollback, by)
  if ('refused' in next) return refusedBy(next.detail)
  return { ...next, resetEvidence: next.resetEvidence || pending?.resetEvidence === true }
}

function notBegun({ canaryVersion }: RolloutPlan): RunnerResult {
  const detail = `the store does not have the rollout of ${canaryVersion} yet: it gets nothing before that begins, and can be aborted then`
  return { ok: false, code: 'SERIN_STORE_FAILED', detail }
}

/**
 * The rollback that led to a state and that the store does not have, as a sentence; null = there is none. `follows`: another
 * process decides, which stores it where the store is there.
 */
export function describeUnstored(
  { canaryVersion }: RolloutState,
  { unstored, isAway }: { readonly unstored: DecisionSeed | null; readonly isAway: boolean },
  follows: boolean,
): string | null {
  if (unstored === null) return null
  const { reason, actor } = unstored
  const why = reason === 'operator' ? `${actor} aborted it` : `it was rolled back (${reason})`
  const once =
    follows && !isAway
      ? 'when the gateway that decides has heard of it, or another one decides in its place'
      : 'when the store is back'
  return `${canaryVersion} gets nothing from this gateway since ${why}: that is stored, and other gateways hear of it, ${once}`
}
