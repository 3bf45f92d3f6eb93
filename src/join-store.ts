import type { StoreAbsence } from './store/redis-store.ts'
import type { StoreLog } from './store/store-log.ts'
import type { SetTimer } from './store/set-timer.ts'

/** Between two attempts to go on from a store that was away at the start. */
const RETRY_MS = 1000

/** Services whose weights do not come from the store, because it has not been reached since the start. */
export type WithoutStore = {
  /** They have the weights that this disk remembers. */
  readonly disk: number
  /** Nothing is remembered of them: the baseline alone, or the fixed weights of the file. */
  readonly configuration: number
}

const NOBODY: WithoutStore = { disk: 0, configuration: 0 }

/** A gateway's way to its store. */
export type StoreJoin = {
  /** Whether rollouts go on from the store. */
  readonly hasJoined: () => boolean
  /** Why it has not, for people who look at the readiness; null = it has. */
  readonly describe: () => string | null
  readonly withoutStore: () => WithoutStore
  readonly close: () => void
}

/**
 * Waits until a store that was away at the start is there, with `serveLast` in the meantime; then has `takeUp`
 * go on from it, again and again until that has worked, and calls `onJoined`. `absence: null` = the store is
 * there, and taken up already.
 */
export function joinStore(
  absence: StoreAbsence | null,
  deps: {
    readonly serveLast: () => WithoutStore
    readonly takeUp: () => Promise<void>
    readonly onJoined: () => void
    readonly log: StoreLog & { readonly error: StoreLog['info'] }
    readonly setTimer: SetTimer
  },
): StoreJoin {
  const { serveLast, takeUp, onJoined, log, setTimer } = deps
  const served = absence === null ? NOBODY : serveLast()
  let failure: string | null = null
  let hasJoined = absence === null
  let isClosed = false
  let cancel = () => {}
  const join = async () => {
    if (isClosed) return
    try {
      await takeUp()
    } catch (error) {
      const { message } = error as Error
      if (message !== failure) log.error({ err: error }, 'rollouts cannot go on from the store')
      failure = message
      cancel = setTimer(() => void join(), RETRY_MS)
      return
    }
    hasJoined = true
    log.info({}, 'the store has been reached: rollouts go on from it')
    onJoined()
  }
  if (absence !== null) {
    log.warn(
      { ...served, reason: absence.why() },
      'the store is away at the start: the weights that this disk remembers are served, without them the baseline alone',
    )
    void absence.ended.then(join)
  }
  return {
    hasJoined: () => hasJoined,
    describe: () => {
      if (hasJoined || absence === null) return null
      const { disk, configuration } = served
      return (
        `not reached since the start (${failure ?? absence.why()}): ` +
        `services with the last weights of this disk: ${disk}, without: ${configuration}; ` +
        'no rollout moves, feedback is refused'
      )
    },
    withoutStore: () => (hasJoined ? NOBODY : served),
    close: () => {
      isClosed = true
      cancel()
    },
  }
}
