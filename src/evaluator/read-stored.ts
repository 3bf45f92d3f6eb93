import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { RolloutRecord, Store } from '../store/store.ts'
import { NO_PAST } from '../rollout/reconcile.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import type { RunnerStart } from './runner-deps.ts'
import { readPast } from './read-past.ts'
import { takeUp, type TakenUp } from './take-up.ts'

/** What the store has of a rollout that goes on. */
export type Stored = TakenUp & {
  /** Null = it has nothing, so that the configuration begins. */
  readonly record: RolloutRecord | null
  readonly lastDecision: Decision | null
}

/**
 * Reads a rollout, as the configuration goes on with it; null = its revision is the `known` one, or who only follows finds
 * none: then nothing but the revision is read, because that one asks several times a second. The revision counts states;
 * the evidence may be newer under the same one where another process has decided, so who takes over gives null.
 */
export async function readStored(
  store: Store,
  plan: RolloutPlan,
  { known, leads }: { readonly known: number | null; readonly leads: boolean },
  now: () => number,
): Promise<Stored | null> {
  if (known !== null && (await store.readRevision(plan.service)) === known) return null
  const { record, past, lastDecision } = await readAll(store, plan)
  if (record === null && known !== null && !leads) return null
  const takenUp = takeUp(plan, record, { now: now(), past })
  return { ...takenUp, record, lastDecision }
}

/** Where a rollout begins in this process, by what the store has of it. */
export async function readStart(
  store: Store,
  rollout: Pick<RunnerStart, 'plan' | 'book'>,
): Promise<RunnerStart> {
  return { ...rollout, ...(await readAll(store, rollout.plan)), unstored: null }
}

/** The same, by the state that was known last, and the rollback that led there where the store did not have it. */
export function rememberedStart(
  rollout: Pick<RunnerStart, 'plan' | 'book'>,
  last: RolloutState,
  unstored: DecisionSeed | null,
): RunnerStart {
  // Whatever revision the store has is news.
  const state = { ...last, revision: 0 }
  const record = { state, evidence: null, cohorts: [], units: [] }
  return { ...rollout, record, past: NO_PAST, lastDecision: null, unstored }
}

async function readAll(
  store: Store,
  plan: RolloutPlan,
): Promise<Pick<RunnerStart, 'record' | 'past' | 'lastDecision'>> {
  const [record, decisions] = await Promise.all([
    store.readRollout(plan.service),
    store.decisions(plan.service, { after: 0, limit: 1 }),
  ])
  const past = await readPast(store, plan, record?.state ?? null)
  return { record, past, lastDecision: decisions[0] ?? null }
}
