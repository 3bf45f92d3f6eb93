import type { ServerResponse } from 'node:http'
import type { Clock } from '../domain/clock.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { Bag, type Placed } from '../metrics/bag.ts'

/** What an exchange is, for the drain: streams (server-sent events, WebSocket sessions) have a deadline of their own. */
export type ExchangeKind = 'stream' | 'other'

/** A request in flight. */
export type LiveExchange = Placed & {
  readonly kind: ExchangeKind
  /** When its present phase has to be over, as `deadlineAfter` says; Infinity = never. */
  readonly dueAt: number
  /** It is not. */
  readonly onDeadline: () => void
  /** The answer to its client; null = it has none. */
  readonly res: ServerResponse | null
  /** Ends it now: with an error answer, or by cutting an answer that has begun. */
  readonly fail: (code: ErrorCode) => void
}

/** How often deadlines are looked at. */
const TICK_MS = 20

/** A tick that comes this late found the process held up, and everybody's answers unread. */
const STALL_MS = 5 * TICK_MS

/**
 * The requests in flight: counted against the limit, watched for their deadlines, and
 * closed by the drain. One timer serves all of them: a timer of its own for each of a request's phases
 * would cost more than the phases. So a deadline is noticed up to 40 ms late, and never early.
 *
 * Time in which the process itself was held up (by a burst, by its garbage, by a machine that gave it no
 * turn) is nobody's: an upstream that answered meanwhile must not be called late because we did not look.
 */
export class LiveExchanges {
  readonly #live = new Bag<LiveExchange>()
  readonly #clock: Clock
  #timer: NodeJS.Timeout | null = null
  #now = 0
  #tickedAt = 0
  /** What deadlines are measured against is the time without this. */
  #heldUpMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get count(): number {
    return this.#live.size
  }

  /** The moment of the last tick or arrival, in monotonic ms: less exact than the clock, and free. */
  get now(): number {
    return this.#now
  }

  /** When a phase that begins now and may last `ms` is over. */
  deadlineAfter(ms: number): number {
    return this.#now - this.#heldUpMs + ms + TICK_MS
  }

  /** Takes in an exchange that begins at `now`. */
  add(exchange: LiveExchange, now: number): void {
    this.#live.add(exchange)
    if (this.#timer === null) {
      this.#tickedAt = now
      this.#timer = setInterval(tickOf, TICK_MS, this)
    }
    this.#now = now
  }

  remove(exchange: LiveExchange): void {
    this.#live.remove(exchange)
  }

  /** The exchange whose answer this is; null = none that goes on. Looks through all of them. */
  of(res: ServerResponse): LiveExchange | null {
    for (const exchange of this.#live) if (exchange.res === res) return exchange
    return null
  }

  /** Breaks off all exchanges of a kind. */
  closeAll(kind: ExchangeKind): void {
    for (const exchange of [...this.#live]) {
      if (exchange.kind === kind) exchange.fail('SERIN_SHUTTING_DOWN')
    }
  }

  /** The timer's business alone. */
  tick(): void {
    const now = this.#clock.monotonic()
    const passed = now - this.#tickedAt
    if (passed > STALL_MS) this.#heldUpMs += passed - TICK_MS
    this.#tickedAt = now
    this.#now = now
    const attended = now - this.#heldUpMs
    this.#live.sweep((exchange) => {
      if (exchange.dueAt <= attended) exchange.onDeadline()
    })
    if (this.#live.size > 0) return
    clearInterval(this.#timer!)
    this.#timer = null
  }
}

function tickOf(exchanges: LiveExchanges): void {
  exchanges.tick()
}
