import type { FastifyBaseLogger } from 'fastify'
import { StoreError } from './store/store-error.ts'

/** What the log says of a part that works again and again, and cannot while the store is away. */
export type StoreWait = {
  /** It could not. */
  readonly failed: (error: unknown) => void
  /** It could. */
  readonly worked: () => void
}

/**
 * Creates what says once that a part waits for the store, and once that it does no more. While the log says already
 * that the store is away (`isStoreTold`) nothing is news; what is no matter of the store is told each time.
 */
export function createStoreWait(deps: {
  readonly isStoreTold: () => boolean
  readonly log: Pick<FastifyBaseLogger, 'debug'>
  readonly onBegin: (error: unknown) => void
  readonly onEnd: () => void
  /** A mistake of serin's own. */
  readonly onMistake: (error: unknown) => void
}): StoreWait {
  const { isStoreTold, log, onBegin, onEnd, onMistake } = deps
  let isTold = false
  return {
    failed: (error) => {
      if (!(error instanceof StoreError)) return onMistake(error)
      if (isTold || isStoreTold()) return log.debug({ err: error }, 'still waits for the store')
      isTold = true
      onBegin(error)
    },
    worked: () => {
      if (!isTold) return
      isTold = false
      onEnd()
    },
  }
}
