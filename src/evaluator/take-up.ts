import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { reconcile, type Past } from '../rollout/reconcile.ts'
import type { Transition } from '../rollout/transition.ts'
import type { RolloutRecord } from '../store/store.ts'

/** Where a rollout goes on. */
export type TakenUp = {
  readonly state: RolloutState
  /** What the configuration makes of it, to be stored before anything else; null = nothing new. */
  readonly pending: Transition | null
  /** What is stored of the attempt that goes on; null = an attempt begins, with no evidence. */
  readonly restored: RolloutRecord | null
}

/** Whether a plan begins a rollout of its own: of versions other than those that are stored, if any are. */
export function beginsAnother(plan: RolloutPlan, stored: RolloutState | null): boolean {
  const { baselineVersion, canaryVersion } = stored ?? {}
  return plan.baselineVersion !== baselineVersion || plan.canaryVersion !== canaryVersion
}

/** Whether what waits to be stored is another rollout than the stored one, by the configuration; a rollback is not. */
export function departsFrom(stored: RolloutState | null, pending: Transition | null): boolean {
  if (stored === null || pending === null) return stored === null
  if (pending.decision?.action === 'rollback') return false
  const { phase, weightBp } = pending.state
  const isSame = rolloutId(pending.state) === rolloutId(stored)
  return !isSame || phase !== stored.phase || weightBp !== stored.weightBp
}

/**
 * What is stored of a rollout as the configuration goes on with it: at start, and where another process
 * has decided meanwhile. Throws a sentence when the two cannot go together.
 */
export function takeUp(
  plan: RolloutPlan,
  record: RolloutRecord | null,
  seen: { readonly now: number; readonly past: Past },
): TakenUp {
  const next = reconcile(plan, record?.state ?? null, { ...seen, actor: 'configuration' })
  if ('refused' in next) throw new Error(next.detail)
  const restored = next.resetEvidence ? null : record
  return {
    state: restored?.state ?? next.state,
    pending: next.state === record?.state ? null : next,
    restored,
  }
}
