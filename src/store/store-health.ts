import type { StoreState } from '../domain/store-state.ts'
import { RepeatedFailures, type FailureLog } from './repeated-failures.ts'
import { setBackgroundTimer, type SetTimer } from './set-timer.ts'
import { StoreError, StoreLostError } from './store-error.ts'
import type { Store } from './store.ts'

/** What the health of the store is told to. */
export type StoreHealthDeps = {
  readonly log: FailureLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly setState: (state: StoreState) => void
  /** Times when a failure is over; the default does not keep the process alive. */
  readonly setTimer?: SetTimer
}

/**
 * Whether the store could be used last time, by what is asked of it again and again, so that it is known
 * soon. Says in the log when it goes and when it is back; what fails in between is counted. One that has lost its
 * data stays lost until a write has found it again.
 */
export class StoreHealth {
  readonly #deps: StoreHealthDeps
  readonly #failures: RepeatedFailures
  #absence: Absence | null = null

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps
    this.#failures = new RepeatedFailures(deps.log, deps.setTimer ?? setBackgroundTimer)
  }

  /** For people who look at the readiness: `up`, or since when it is not, why, and what to do. */
  describe(): string {
    if (this.#absence === null) return 'up'
    const { since, error } = this.#absence
    const at = new Date(since).toISOString()
    if (error instanceof StoreLostError) {
      return (
        `without its data (LOST) since ${at}: the last weights are served, no rollout moves, feedback is refused; ` +
        'restore the data, or start the gateways anew to begin afresh'
      )
    }
    const why = error.cause instanceof Error ? error.cause.message : error.message
    return (
      `away since ${at} (${why}): the last weights are served, no rollout moves, feedback is refused; ` +
      'rollouts go on by themselves when it is back'
    )
  }

  /** The store, with everything that is repeated telling how it is. */
  watched(store: Store): Store {
    return {
      ...store,
      commit: (change) => this.#note(store.commit(change), ({ ok }) => ok),
      findPredictions: (queries) => this.#note(store.findPredictions(queries), READ),
      commitFeedback: (change) => this.#note(store.commitFeedback(change), WRITTEN),
      putPredictions: (batch) => this.#note(store.putPredictions(batch), WRITTEN),
      report: (report, shares) => this.#note(store.report(report, shares), WRITTEN),
      // Where another process decides nothing is written.
      acquireLease: (holder, ttlMs, now) =>
        this.#note(store.acquireLease(holder, ttlMs, now), (lease) => lease !== null),
      readRevision: (service) => this.#note(store.readRevision(service), READ),
    }
  }

  /** Whether the log has said that the store is away or without its data, and nothing else since. */
  get isTold(): boolean {
    return this.#absence !== null
  }

  /**
   * Logs what failed. That the store is away is said once, not by every service at every look, and so is what fails
   * again and again for another reason.
   */
  readonly report = (what: string, error: unknown): void => {
    const isTold = error instanceof StoreError && this.isTold
    if (isTold) this.#deps.log.debug({ err: error }, `${what} failed`)
    else this.#failures.note(what, error)
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
    const { log, now, setState } = this.#deps
    const { since, failed } = this.#absence
    this.#absence = null
    log.info({ seconds: (now() - since) / 1000, failed }, 'the store is back')
    setState('up')
  }

  #isAway(error: StoreError): void {
    const { log, now, setState } = this.#deps
    const isLost = error instanceof StoreLostError
    const before = this.#absence
    // Whatever fails after the data went does not bring it back.
    const isNews = before === null || (isLost && !(before.error instanceof StoreLostError))
    if (before === null) this.#absence = { since: now(), failed: 1, error }
    else {
      before.failed += 1
      if (isLost || !(before.error instanceof StoreLostError)) before.error = error
    }
    if (!isNews) return
    setState(isLost ? 'lost' : 'away')
    if (isLost) {
      log.error(
        { err: error },
        'the store is without its data: the last weights are served, no rollout moves',
      )
    } else
      log.error({ err: error }, 'the store is away: the last weights are served, no rollout moves')
  }
}

/** Since when (milliseconds since the epoch) the store is away, what it was asked for in vain, and why at last. */
type Absence = { readonly since: number; failed: number; error: StoreError }

const WRITTEN = () => true
const READ = () => false
