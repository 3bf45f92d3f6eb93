import { CANARY_SIDE } from '../domain/cohort.ts'
import type { Faults } from '../domain/faults.ts'
import type { FaultShare } from '../domain/replica.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { LabelArrivals } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { sideBook } from './side-book.ts'

/** How the canary failed on this process since the attempt began, and its labels; null = it did not, and none came. */
export function faultShareOf(state: RolloutState, book: ServiceBook): FaultShare | null {
  const { faults, clientErrors } = sideBook(book, CANARY_SIDE)
  const rollout = rolloutId(state)
  const labels = book.labels.arrivalsOf(rollout)
  if (faults.size + clientErrors.size + labels.labels === 0) return null
  const share = {
    service: state.service,
    rollout,
    byCause: [...faults],
    clientErrors: [...clientErrors],
  }
  return labels.labels === 0 ? share : { ...share, labels: { ...labels } }
}

/** Labels that have joined requests of an attempt, here and in the shares of others. */
export function addArrivals(own: LabelArrivals, shares: readonly FaultShare[]): LabelArrivals {
  return shares.reduce(
    (sum, { labels }) =>
      labels === undefined
        ? sum
        : { labels: sum.labels + labels.labels, late: sum.late + labels.late },
    own,
  )
}

/** The same, here and in the shares of others, added up. */
export function addFaults(
  book: ServiceBook,
  shares: readonly FaultShare[],
): Pick<Faults, 'byCause' | 'clientErrors'> {
  const { faults, clientErrors } = sideBook(book, CANARY_SIDE)
  return {
    byCause: addCounts(
      faults,
      shares.flatMap((share) => share.byCause),
    ),
    clientErrors: addCounts(
      clientErrors,
      shares.flatMap((share) => share.clientErrors),
    ),
  }
}

function addCounts<K>(
  own: ReadonlyMap<K, number>,
  more: readonly (readonly [K, number])[],
): ReadonlyMap<K, number> {
  const all = new Map(own)
  for (const [key, count] of more) all.set(key, (all.get(key) ?? 0) + count)
  return all
}
