import type { SetTimer } from './set-timer.ts'
import type { StoreLog } from './store-log.ts'

/** What has not failed again for so long is over: whatever is repeated is tried several times in it. */
const QUIET_MS = 5000

/** Where failures are told. */
export type FailureLog = StoreLog & {
  readonly debug: StoreLog['info']
  readonly error: StoreLog['info']
}

/**
 * Failures of what is done again and again, several times a second: each is told as an error once, and once more when it
 * is over, with how often it came. One with another message is another.
 */
export class RepeatedFailures {
  readonly #log: FailureLog
  readonly #setTimer: SetTimer
  readonly #failing = new Map<string, Failing>()

  constructor(log: FailureLog, setTimer: SetTimer) {
    this.#log = log
    this.#setTimer = setTimer
  }

  note(what: string, error: unknown): void {
    const before = this.#failing.get(what)
    before?.cancel()
    const message = String(error)
    const isTold = before?.message === message
    const times = (isTold ? before.times : 0) + 1
    const cancel = this.#setTimer(() => this.#isOver(what), QUIET_MS)
    this.#failing.set(what, { message, times, cancel })
    this.#log[isTold ? 'debug' : 'error']({ err: error }, `${what} failed`)
  }

  #isOver(what: string): void {
    const { times } = this.#failing.get(what)!
    this.#failing.delete(what)
    // Of one that came alone there is nothing more to say.
    if (times > 1) this.#log.info({ times }, `${what} fails no longer`)
  }
}

type Failing = { readonly message: string; readonly times: number; readonly cancel: () => void }
