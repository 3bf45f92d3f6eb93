import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { NO_PAST, serveAlone, type Past } from '../rollout/reconcile.ts'
import { stay, type DecisionSeed, type Transition } from '../rollout/transition.ts'
import type { RolloutRecord } from '../store/store.ts'
import { closedByNow } from './closed-by-now.ts'
import { reconcilePending } from './reconcile-pending.ts'
import { underMargins } from './under-margins.ts'

/** What waits to be stored; `refused`: why it never is, since the configuration cannot go on from what is stored. */
export type Pending = Transition & { readonly refused?: string }

/** Where a rollout goes on. */
export type TakenUp = {
  readonly state: RolloutState
  /** What the configuration makes of it, to be stored before anything else; null = nothing new. */
  readonly pending: Pending | null
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

/** What a configuration serves where it cannot go on from what is stored, for the reason `refused`: see `serveAlone`. */
export function goOnAlone(
  plan: RolloutPlan,
  now: number,
  refused: string,
  stored: RolloutState | null,
): Pending {
  const seen = { now, past: NO_PAST, actor: 'configuration' }
  return { ...serveAlone(plan, seen, stored), refused }
}

/**
 * What is stored of a rollout as the configuration goes on with it: at start, and where another process
 * has decided meanwhile. `unstored`: the rollback that the record's state comes from, where the store does not have it.
 */
export function takeUp(
  plan: RolloutPlan,
  record: RolloutRecord | null,
  seen: { readonly now: number; readonly past: Past; readonly unstored?: DecisionSeed | null },
): TakenUp {
  const { now, past, unstored = null } = seen
  const rollback =
    record === null || unstored === null ? null : { ...stay(record.state), decision: unstored }
  const by = { now, past, actor: 'configuration' }
  const next = reconcilePending(plan, record?.state ?? null, rollback, by)
  if ('refused' in next) {
    const pending = goOnAlone(plan, now, next.detail, record?.state ?? null)
    return { state: pending.state, pending, restored: null }
  }
  const restored =
    next.resetEvidence || record === null ? null : underPlan(plan, closedByNow(record, now))
  return {
    state: restored?.state ?? next.state,
    pending: next.state === record?.state && next.decision === null ? null : next,
    restored,
  }
}

function underPlan(plan: RolloutPlan, record: RolloutRecord): RolloutRecord {
  const { configHash, fingerprint } = record.state
  const { margins } = plan.fingerprint
  // An earlier version stored no margins: those of the same file are the same.
  const before = fingerprint.margins ?? (configHash === plan.configHash ? margins : undefined)
  return underMargins(record, before, margins)
}
