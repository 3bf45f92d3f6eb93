import type { Decision } from '../domain/decision.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { RolloutRecord, Store } from '../store/store.ts'

/** What the store has of a rollout that goes on. */
type Stored = {
  readonly record: RolloutRecord
  readonly rolledBackAt: number | null
  readonly lastDecision: Decision | null
}

/**
 * Reads a rollout; null = there is none, or its revision is the `known` one: then nothing but the revision
 * is read, because a process that only follows asks several times a second. The revision counts states; the
 * evidence may be newer under the same one, so who is to decide gives null.
 */
export async function readStored(
  store: Store,
  { service, canaryVersion }: RolloutPlan,
  known: number | null,
): Promise<Stored | null> {
  if (known !== null && (await store.readRevision(service)) === known) return null
  const [record, rolledBackAt, decisions] = await Promise.all([
    store.readRollout(service),
    store.rolledBackAt(service, canaryVersion),
    store.decisions(service, { after: 0, limit: 1 }),
  ])
  return record === null ? null : { record, rolledBackAt, lastDecision: decisions[0] ?? null }
}
