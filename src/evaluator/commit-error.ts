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
