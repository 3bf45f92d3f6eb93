import { StoreError } from '../store/store-error.ts'
import type { CommitResult } from '../store/store.ts'

/** The store refused a change: another process wrote, or took the lease. */
export class CommitError extends Error {
  constructor({ reason }: Pick<Extract<CommitResult, { ok: false }>, 'reason'>) {
    super(
      reason === 'conflict'
        ? 'the stored rollout was changed by another process'
        : 'the lease to decide was lost to another process',
    )
  }
}

/** Whether something failed because of the store, so that it can be done later; all else is a mistake in serin. */
export function isOfStore(error: unknown): boolean {
  return error instanceof StoreError || error instanceof CommitError
}
