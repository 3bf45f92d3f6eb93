import type { AnalysisSpec } from '../domain/rollout-spec.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { xxh32 } from '../routing/xxh32.ts'

/** So many services are judged at each of their intervals. */
const JUDGED_AT_EACH = 200

/** With so many requests since its last turn a service turns at its next interval, however many others there are. */
const BUSY_REQUESTS = 50

/** From one turn to the next it never takes longer, but for an `interval` that is longer itself. */
const LONGEST_MS = 10_000

/**
 * When the cohorts of one service turn: once an interval, or later where many services are judged and this one has few
 * requests. A turn costs about the same with ten requests as with a hundred; so what judging costs grows with the traffic, and
 * not with the services. A cohort ends by the time and by how many requests it has, whatever becomes of them, and its bets
 * were fixed when it opened: so it is evidence as any other is.
 */
export class Turn {
  /** Its moments are its own: of thousands that wait equally long, as many turn at one look as at another. */
  readonly #phase: number
  #at = -Infinity
  #requests = 0

  constructor(service: string) {
    this.#phase = xxh32(service, 0) / 2 ** 32
  }

  /** The next look takes it. */
  hasten(): void {
    this.#at = -Infinity
  }

  /** It is now: what the books keep of the past fades. */
  take(now: number, book: TurningBook): void {
    ;[this.#at, this.#requests] = [now, book.draws.begun]
    book.fade(now)
  }

  /** `now` in epoch ms; `judged`: services that are compared, this one among them. */
  isDue(
    now: number,
    { intervalMs }: Pick<AnalysisSpec, 'intervalMs'>,
    judged: number,
    { draws }: TurningBook,
  ): boolean {
    if (now - this.#at < intervalMs) return false
    const waitMs = Math.min((intervalMs * judged) / JUDGED_AT_EACH, LONGEST_MS)
    if (waitMs <= intervalMs || draws.begun - this.#requests >= BUSY_REQUESTS) return true
    const offset = this.#phase * waitMs
    return Math.floor((now + offset) / waitMs) > Math.floor((this.#at + offset) / waitMs)
  }
}

type TurningBook = Pick<ServiceBook, 'draws' | 'fade'>
