import type { Clock } from '../domain/clock.ts'

/** Longest span that a timer of Node can wait; longer ones are waited for in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Who is told that the time is up. `capped`: the limit over all phases passed, not the phase's own. */
export type DeadlineOwner = { readonly onDeadline: (capped: boolean) => void }

/**
 * One moving deadline for the phases of an exchange. Moving it later costs a clock reading and no
 * timer: the timer that is armed wakes up early and waits for the rest. Precise to a millisecond,
 * which undici's own timeouts (ticks of half a second) are not.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #owner: DeadlineOwner
  #timer: NodeJS.Timeout | null = null
  #wakesAt = 0
  #dueAt = Infinity
  #capAt = Infinity

  constructor(clock: Clock, owner: DeadlineOwner) {
    this.#clock = clock
    this.#owner = owner
  }

  /** Puts a limit over everything from now on; the phases cannot move beyond it. */
  cap(ms: number): void {
    this.#capAt = this.#clock.monotonic() + ms
  }

  /** The present phase may last `ms` from now. */
  set(ms: number): void {
    const now = this.#clock.monotonic()
    this.#dueAt = Math.min(now + ms, this.#capAt)
    if (this.#timer === null || this.#dueAt < this.#wakesAt) this.#arm(now)
  }

  /** Nothing is waited for any more. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** The timer's business alone. */
  wake(): void {
    this.#timer = null
    const now = this.#clock.monotonic()
    if (now < this.#dueAt) this.#arm(now)
    else this.#owner.onDeadline(this.#dueAt === this.#capAt)
  }

  #arm(now: number): void {
    this.clear()
    this.#wakesAt = this.#dueAt
    const wait = Math.min(Math.ceil(this.#dueAt - now), LONGEST_TIMER_MS)
    this.#timer = setTimeout(wake, wait, this)
  }
}

function wake(deadline: Deadline): void {
  deadline.wake()
}
