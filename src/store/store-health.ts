import { StoreError } from './store-error.ts'
import type { StoreLog } from './store-log.ts'
import type { Store } from './store.ts'

/** What the health of the store is told to. */
export type StoreHealthDeps = {
  readonly log: StoreLog & {
    readonly debug: StoreLog['info']
    readonly error: StoreLog['info']
  }
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly setUp: (up: boolean) => void
}

/**
 * Whether the store could be used last time, by what the evaluator asks of it: several times a second, so
 * that it is known soon. Says in the log when it goes and when it is back.
 */
export class StoreHealth {
  readonly #deps: StoreHealthDeps
  #awaySince: number | null = null

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps
  }

  /** For people who look at the readiness. */
  describe(): string {
    if (this.#awaySince === null) return 'up'
    const since = new Date(this.#awaySince).toISOString()
    return `away since ${since}: the last weights are served, no rollout moves, feedback is refused`
  }

  /** The store, with everything that the evaluator repeats telling how it is. */
  watched(store: Store): Store {
    return {
      ...store,
      commit: (change) => this.#note(store.commit(change)),
      acquireLease: (holder, ttlMs, now) => this.#note(store.acquireLease(holder, ttlMs, now)),
      readRevision: (service) => this.#note(store.readRevision(service)),
    }
  }

  /** Logs what failed. That the store is away is said once, not by every service at every look. */
  readonly report = (what: string, error: unknown): void => {
    const isTold = error instanceof StoreError && this.#awaySince !== null
    this.#deps.log[isTold ? 'debug' : 'error']({ err: error }, `${what} failed`)
  }

  async #note<T>(asked: Promise<T>): Promise<T> {
    const { log, now, setUp } = this.#deps
    try {
      const answer = await asked
      if (this.#awaySince !== null) {
        log.info({ seconds: (now() - this.#awaySince) / 1000 }, 'the store is back')
        this.#awaySince = null
        setUp(true)
      }
      return answer
    } catch (error) {
      // Other errors are mistakes in what was to be stored.
      if (error instanceof StoreError && this.#awaySince === null) {
        this.#awaySince = now()
        log.error(
          { err: error },
          'the store is away: the last weights are served, no rollout moves',
        )
        setUp(false)
      }
      throw error
    }
  }
}
