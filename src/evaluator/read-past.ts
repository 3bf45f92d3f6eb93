import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { NO_PAST, type Past } from '../rollout/reconcile.ts'
import { MAX_PAGE } from '../store/limits.ts'
import type { Store } from '../store/store.ts'
import { beginsAnother } from './take-up.ts'

/**
 * What the store knows of the versions that a plan begins with, from its newest 1,000 decisions and from its archive:
 * an attempt that neither of them names has left nothing with which a later one could be confused. Nothing is
 * read where the stored rollout goes on.
 */
export async function readPast(
  store: Store,
  plan: RolloutPlan,
  stored: RolloutState | null,
): Promise<Past> {
  if (!beginsAnother(plan, stored)) return NO_PAST
  const { service, baselineVersion, canaryVersion } = plan
  const [at, decisions, archived] = await Promise.all([
    store.rolledBackAt(service, canaryVersion),
    store.decisions(service, { after: 0, limit: MAX_PAGE }),
    store.attempts(service),
  ])
  const pair = `${baselineVersion}->${canaryVersion}#`
  const numbers = [...decisions, ...archived].map(({ rollout }) =>
    rollout.startsWith(pair) ? Number(rollout.slice(pair.length)) : 0,
  )
  const decision = decisions.find((d) => isRollbackOf(d, canaryVersion)) ?? null
  return {
    rollback: at === null ? null : { at, decision },
    lastAttempt: numbers.reduce((most, n) => Math.max(most, n), 0),
  }
}

function isRollbackOf({ rollout, reason, from, to }: Decision, canaryVersion: string): boolean {
  const isOfIt = rollout.slice(0, rollout.lastIndexOf('#')).endsWith(`->${canaryVersion}`)
  const isMade = to.phase === 'rolled-back' && from.phase !== 'rolled-back'
  return isOfIt && isMade && reason !== 'rolled-back-before'
}
