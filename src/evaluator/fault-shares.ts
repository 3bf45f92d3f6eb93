import type { Cause } from '../domain/faults.ts'
import type { FaultShare } from '../domain/replica.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import { CANARY_SIDE } from '../domain/cohort.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { sideBook } from './side-book.ts'

/** How the canary failed on this process since the attempt began; null = it did not. */
export function faultShareOf(state: RolloutState, book: ServiceBook): FaultShare | null {
  const { faults } = sideBook(book, CANARY_SIDE)
  if (faults.size === 0) return null
  return { service: state.service, rollout: rolloutId(state), byCause: [...faults] }
}

/** Failures by their cause, here and in the shares of others. */
export function addFaults(
  own: ReadonlyMap<Cause, number>,
  shares: readonly FaultShare[],
): ReadonlyMap<Cause, number> {
  if (shares.length === 0) return own
  const all = new Map(own)
  for (const [cause, count] of shares.flatMap(({ byCause }) => byCause)) {
    all.set(cause, (all.get(cause) ?? 0) + count)
  }
  return all
}
