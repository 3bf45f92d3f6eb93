import { rolloutId } from '../../src/domain/rollout-state.ts'
import type { AttemptRecord } from '../../src/rollout/replay.ts'
import type { Simulation } from './simulation.ts'

/** What a simulation's store has of its attempt (the current one, or the one named). */
export async function recordOf(simulation: Simulation, rollout?: string): Promise<AttemptRecord> {
  const { store, state, clock } = simulation
  const id = rollout ?? rolloutId(state)
  return {
    plan: (await store.archivedPlan('svc', id))!,
    cohorts: await store.archivedCohorts('svc', id, { after: 0, limit: 1e9 }),
    decisions: store.log.filter((d) => d.rollout === id),
    until: clock.ms,
  }
}
