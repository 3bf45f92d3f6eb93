import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './domain/clock.ts'
import { createStoreWait } from './store-wait.ts'
import type { RemovedPredictions, Store } from './store/store.ts'

/** How often predictions are looked through for those whose time is over. */
const EXPIRY_MS = 60_000

/** Removes predictions that feedback will not join any more, and knows how many of them went. */
export type PredictionExpiry = {
  /** Since the process began. */
  readonly removed: () => RemovedPredictions
  /** Removes what is due now; rejects where the store does. */
  readonly run: () => Promise<void>
  /** Does so every minute, or as `repeat` has it; returns what ends it. */
  readonly start: (repeat?: Repeat) => () => void
}

/** Calls again and again; returns what ends that. */
export type Repeat = (run: () => void) => () => void

/** Creates the expiry of a store's predictions; failures of the regular runs are logged, one of the store once. */
export function createPredictionExpiry(deps: {
  readonly store: Pick<Store, 'expirePredictions'>
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  /** The log says already that the store is away. */
  readonly isStoreTold: () => boolean
}): PredictionExpiry {
  const { store, clock, log, isStoreTold } = deps
  const removed = { expired: 0, evicted: 0 }
  const run = async () => {
    const { expired, evicted } = await store.expirePredictions(clock.now())
    removed.expired += expired
    removed.evicted += evicted
  }
  const wait = createStoreWait({
    ...{ isStoreTold, log },
    onBegin: (error) => log.warn({ err: error }, 'predictions do not expire while the store fails'),
    onEnd: () => log.info('predictions expire again'),
    onMistake: (error) => log.error({ err: error }, 'predictions did not expire'),
  })
  return {
    removed: () => removed,
    run,
    start: (repeat = everyMinute) =>
      repeat(() => {
        run().then(wait.worked, wait.failed)
      }),
  }
}

const everyMinute: Repeat = (run) => {
  const timer = setInterval(run, EXPIRY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
