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
 * Whether the store could be used last time, by what is asked of it again and again, so that it is known
 * soon. Says in the log when it goes and when it is back; what fails in between is counted.
 */
export class StoreHealth {
  readonly #deps: StoreHealthDeps
  #absence: Absence | null = null

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps
  }

  /** For people who look at the readiness. */
  describe(): string {
    if (this.#absence === null) return 'up'
    const since = new Date(this.#absence.since).toISOString()
    return `away since ${since}: the last weights are served, no rollout moves, feedback is refused`
  }

  /** The store, with everything that is repeated telling how it is. */
  watched(store: Store): Store {
    return {
      ...store,
      commit: (change) => this.#note(store.commit(change), ({ ok }) => ok),
      putPredictions: (batch) => this.#note(store.putPredictions(batch), WRITTEN),
      report: (report, shares) => this.#note(store.report(report, shares), WRITTEN),
      // Where another process decides nothing is written.
      acquireLease: (holder, ttlMs, now) =>
        this.#note(store.acquireLease(holder, ttlMs, now), (lease) => lease !== null),
      readRevision: (service) => this.#note(store.readRevision(service), READ),
    }
  }

  /** Logs what failed. That the store is away is said once, not by every service at every look. */
  readonly report = (what: string, error: unknown): void => {
    const isTold = error instanceof StoreError && this.#absence !== null
    this.#deps.log[isTold ? 'debug' : 'error']({ err: error }, `${what} failed`)
  }

  async #note<T>(asked: Promise<T>, isWritten: (answer: T) => boolean): Promise<T> {
    try {
      const answer = await asked
      // A full disk is read all the same, and so is a Redis that is out of memory.
      if (isWritten(answer)) this.#isBack()
      return answer
    } catch (error) {
      // Other errors are mistakes in what was to be stored.
      if (error instanceof StoreError) this.#isAway(error)
      throw error
    }
  }

  #isBack(): void {
    if (this.#absence === null) return
    const { log, now, setUp } = this.#deps
    const { since, failed } = this.#absence
    this.#absence = null
    log.info({ seconds: (now() - since) / 1000, failed }, 'the store is back')
    setUp(true)
  }

  #isAway(error: StoreError): void {
    const { log, now, setUp } = this.#deps
    if (this.#absence !== null) {
      this.#absence.failed += 1
      return
    }
    this.#absence = { since: now(), failed: 1 }
    log.error({ err: error }, 'the store is away: the last weights are served, no rollout moves')
    setUp(false)
  }
}

/** Since when (milliseconds since the epoch) the store is away, and what it was asked for in vain. */
type Absence = { readonly since: number; failed: number }

const WRITTEN = () => true
const READ = () => false
