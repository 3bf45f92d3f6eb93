import type { Clock } from '../domain/clock.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { CohortCycle } from './cohort-cycle.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/**
 * Ends the open cohort of a process that takes no more requests, and folds what is ready: it is to be stored like any
 * other, however long its interval still is. What others owe of it is not waited for.
 */
export async function endCycle(
  cycle: Pick<CohortCycle, 'turn' | 'gather' | 'fold'>,
  state: RolloutState,
  { clock, others }: { readonly clock: Clock; readonly others: OtherReplicas },
): Promise<void> {
  const [now, monotonicNow] = [clock.now(), clock.monotonic()]
  // Without a weight no cohort of draws opens.
  cycle.turn({ ...state, weightBp: 0 }, now, false)
  await cycle.gather(others, now, monotonicNow)
  cycle.fold(state, now, monotonicNow)
}
