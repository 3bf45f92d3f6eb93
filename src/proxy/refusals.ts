import type { IncomingMessage } from 'node:http'
import type { Clock } from '../domain/clock.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { LineAllowance } from '../domain/line-allowance.ts'
import type { AccessLog } from './access-log.ts'

/** A request that was turned away, as far as it is known. */
export type Refused = {
  readonly requestId: string
  readonly code: ErrorCode
  /** Null = the bytes that came were no request. */
  readonly req: Pick<IncomingMessage, 'method' | 'url'> | null
  /** Whose request it would have been; null = no service was found, or none was looked for. */
  readonly service: string | null
}

/** What no well-made client sends. Whoever wants to fill a disk with log lines sends it as fast as it goes. */
const MALFORMED: ReadonlySet<ErrorCode> = new Set([
  'SERIN_BAD_REQUEST',
  'SERIN_REQUEST_TIMEOUT',
  'SERIN_EXPECTATION_FAILED',
  'SERIN_HEADERS_TOO_LARGE',
  'SERIN_NOT_IMPLEMENTED',
  'SERIN_VERSION_NOT_SUPPORTED',
])

/**
 * What the gateway answers itself while no book of a service knows of the request: each is counted by its
 * code, and has a line of the access log. Of malformed requests to no service only five lines a second and
 * code are written, and the next one says how many were left out.
 */
export class Refusals {
  readonly #accessLog: Pick<AccessLog, 'writeRefused'>
  readonly #count: (code: ErrorCode) => void
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #lines = new LineAllowance<ErrorCode>()

  constructor(
    accessLog: Pick<AccessLog, 'writeRefused'>,
    count: (code: ErrorCode) => void,
    clock: Pick<Clock, 'monotonic'>,
  ) {
    this.#accessLog = accessLog
    this.#count = count
    this.#clock = clock
  }

  /** Counts one that has its line elsewhere: its exchange ended before a variant was chosen. */
  count(code: ErrorCode): void {
    this.#count(code)
  }

  /** Counts one, and writes its line. */
  note(refused: Refused): void {
    const { code, service } = refused
    this.#count(code)
    if (service !== null || !MALFORMED.has(code)) {
      this.#accessLog.writeRefused(refused, 0)
      return
    }
    const suppressed = this.#lines.take(code, this.#clock.monotonic())
    if (suppressed !== null) this.#accessLog.writeRefused(refused, suppressed)
  }
}
