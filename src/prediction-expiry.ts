import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './domain/clock.ts'
import type { RemovedPredictions, Store } from './store/store.ts'

/** How often predictions are looked through for those whose time is over. */
const EXPIRY_MS = 60_000

/** Removes predictions that feedback will not join any more, and knows how many of them went. */
export type PredictionExpiry = {
  /** Since the process began. */
  readonly removed: () => RemovedPredictions
  /** Removes what is due now; rejects where the store does. */
  readonly run: () => Promise<void>
  /** Does so regularly; returns what ends it. */
  readonly start: () => () => void
}

/** Creates the expiry of a store's predictions; failures of the regular runs are logged. */
export function createPredictionExpiry(deps: {
  readonly store: Pick<Store, 'expirePredictions'>
  readonly clock: Clock
  readonly log: FastifyBaseLogger
}): PredictionExpiry {
  const { store, clock, log } = deps
  const removed = { expired: 0, evicted: 0 }
  const run = async () => {
    const { expired, evicted } = await store.expirePredictions(clock.now())
    removed.expired += expired
    removed.evicted += evicted
  }
  return {
    removed: () => removed,
    run,
    start: () => {
      const timer = setInterval(() => {
        run().catch((error: unknown) => log.error({ err: error }, 'predictions did not expire'))
      }, EXPIRY_MS)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}
