import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { RolloutRecord, Store } from '../store/store.ts'
import { beginsAnother, takeUp, type TakenUp } from './take-up.ts'

/** What the store has of a rollout that goes on. */
type Stored = TakenUp & {
  readonly record: RolloutRecord
  readonly lastDecision: Decision | null
}

/**
 * Reads a rollout, as the configuration goes on with it; null = there is none, or its revision is the `known` one: then nothing but the revision
 * is read, because a process that only follows asks several times a second. The revision counts states; the
 * evidence may be newer under the same one, so who is to decide gives null.
 */
export async function readStored(
  store: Store,
  plan: RolloutPlan,
  known: number | null,
  now: () => number,
): Promise<Stored | null> {
  const { service, canaryVersion } = plan
  if (known !== null && (await store.readRevision(service)) === known) return null
  const [record, rolledBackAt, decisions] = await Promise.all([
    store.readRollout(service),
    store.rolledBackAt(service, canaryVersion),
    store.decisions(service, { after: 0, limit: 1 }),
  ])
  if (record === null) return null
  const takenUp = takeUp(plan, record, { now: now(), rolledBackAt })
  return { ...takenUp, record, lastDecision: decisions[0] ?? null }
}

/** When the version that a plan begins with was rolled back last; null = never, or it goes on. */
export async function readRolledBackAt(
  store: Store,
  plan: RolloutPlan,
  stored: RolloutState | null,
): Promise<number | null> {
  if (!beginsAnother(plan, stored)) return null
  return store.rolledBackAt(plan.service, plan.canaryVersion)
}
