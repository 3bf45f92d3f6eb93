import type { Logger } from 'pino'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'

/** One line of the access log. Paths without query; no header values but the request id. */
export type AccessEntry = {
  readonly requestId: string
  readonly service: string
  readonly variant: string | null
  readonly reason: string | null
  readonly method: string
  readonly path: string
  readonly status: number
  readonly ms: number
  readonly outcome: Outcome
  readonly code: ErrorCode | null
}

/** Writes every n-th request, evenly, and every request that failed. */
export class AccessLog {
  readonly #log: Pick<Logger, 'info'>
  readonly #sample: () => number
  #due = 0

  /** `sample`: the share to write, as a fraction of 1; read anew each time, so that a reload changes it. */
  constructor(log: Pick<Logger, 'info'>, sample: () => number) {
    this.#log = log
    this.#sample = sample
  }

  /** Whether this request is written. To be asked once per request, before the entry is put together. */
  takes(outcome: Outcome): boolean {
    this.#due += this.#sample()
    const isSampled = this.#due >= 1
    if (isSampled) this.#due -= 1
    return isSampled || outcome === 'failed' || outcome === 'no_answer' || outcome === 'rejected'
  }

  write(entry: AccessEntry): void {
    this.#log.info(entry, 'request')
  }
}
