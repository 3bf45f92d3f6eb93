import type { Clock } from '../../../src/domain/clock.ts'
import type { GatewayTimers } from '../../../src/gateway-timers.ts'

/** When lives begin, milliseconds since the epoch. */
export const BEGINNING = Date.UTC(2027, 0, 1)

type Due = { at: number; readonly every: number | null; readonly run: () => Promise<void> | void }

/** One machine's clock in a life, and the timers of the process on it. */
export class LifeClock implements Clock {
  /** So much its time of day differs from the true one, in milliseconds. */
  skewMs = 0
  /** The process stands still: its timers wait. */
  isHeld = false
  readonly #time: LifeTime
  readonly #due: Due[] = []

  constructor(time: LifeTime) {
    this.#time = time
  }

  readonly now = (): number => this.#time.now() + this.skewMs
  readonly monotonic = (): number => this.#time.ms + 1000

  readonly timers: GatewayTimers = {
    setTimer: (run, delayMs) => this.#add({ at: this.#time.ms + delayMs, every: null, run }),
    every: (ms, run) => this.#add({ at: this.#time.ms + ms, every: ms, run }),
  }

  /** The one that is next; null = none. */
  next(): Due | null {
    if (this.isHeld) return null
    return this.#due.reduce<Due | null>((a, b) => (a === null || b.at < a.at ? b : a), null)
  }

  /** It is run: once more later, or no more. As Node.js does it: what was missed is not made up for. */
  passed(due: Due): void {
    if (due.every === null) this.#due.splice(this.#due.indexOf(due), 1)
    else due.at = this.#time.ms + due.every
  }

  /** The process is gone. */
  end(): void {
    this.#due.length = 0
  }

  #add(due: Due): () => void {
    this.#due.push(due)
    return () => {
      const index = this.#due.indexOf(due)
      if (index !== -1) this.#due.splice(index, 1)
    }
  }
}

/** Time as a life has it: it passes when it is told to, and what is due meanwhile is waited for. */
export class LifeTime {
  /** Since the life began; never goes back. */
  ms = 0
  readonly #clocks = new Set<LifeClock>()

  /** The true time of day, milliseconds since the epoch. */
  now(): number {
    return BEGINNING + this.ms
  }

  /** A clock of a process that begins now. */
  open(skewMs: number): LifeClock {
    const clock = new LifeClock(this)
    clock.skewMs = skewMs
    this.#clocks.add(clock)
    return clock
  }

  /** The process on this clock is gone. */
  close(clock: LifeClock): void {
    clock.end()
    this.#clocks.delete(clock)
  }

  /** Lets time pass: whatever is due runs in its order, one after the other; `settled` is waited for in between. */
  async pass(ms: number, settled: () => Promise<void>): Promise<void> {
    const until = this.ms + ms
    for (;;) {
      const [clock, due] = this.#next()
      if (due === null || due.at > until) break
      this.ms = Math.max(this.ms, due.at)
      clock.passed(due)
      await due.run()
      await settled()
    }
    this.ms = until
  }

  #next(): readonly [LifeClock, Due] | readonly [null, null] {
    let first: readonly [LifeClock, Due] | null = null
    for (const clock of this.#clocks) {
      const due = clock.next()
      if (due !== null && (first === null || due.at < first[1].at)) first = [clock, due]
    }
    return first ?? [null, null]
  }
}
