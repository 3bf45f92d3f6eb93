import { StoreError } from './store-error.ts'
import type { RolloutChange } from './store.ts'

/** Throws a StoreError when a change's state is another service's, or does not move the revision on. */
export function assertMovesOn({ service, state, expectedRevision }: RolloutChange): void {
  if (state === undefined) return
  if (state.service !== service) {
    throw new StoreError(`the state of ${state.service} was given as that of ${service}`)
  }
  if (expectedRevision !== null && state.revision <= expectedRevision) {
    throw new StoreError(
      `revision ${state.revision} of ${service} does not follow on ${expectedRevision}`,
    )
  }
}
