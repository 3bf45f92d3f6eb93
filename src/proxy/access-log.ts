import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { AssignmentReason } from '../domain/assignment.ts'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Refused } from './refusals.ts'
import { terminationFlag } from './termination-flag.ts'
import type { Trace } from './trace.ts'

/** What an exchange says of itself beside its times. */
export type AccessFacts = {
  readonly requestId: string
  /** Null = it was turned away, and belongs to none that is known, or is the passthrough's. */
  readonly service: string | null
  /** The variant that was assigned; null = the request ended before. */
  readonly variant: string | null
  readonly reason: AssignmentReason | null
  readonly status: number
  readonly outcome: Outcome
  readonly code: ErrorCode | null
  /** How the variant failed, where the baseline answered in its place; null = it answered itself. */
  readonly replaced: {
    readonly outcome: Outcome
    readonly status: number
    readonly code: ErrorCode | null
    readonly upstream: string
  } | null
  /** Of the bodies. */
  readonly requestBytes: number
  readonly answerBytes: number
}

/**
 * One line of the access log. Paths stand without their query, and of the header fields only the request
 * id: what else there is may be a secret. Times in ms; null = the exchange did not come so far.
 */
export type AccessEntry = Omit<AccessFacts, 'replaced'> & {
  /** The baseline answered: `outcome`, `code` and `flags` are the variant's, as they are booked. */
  readonly fallback: boolean
  /** What the client would have got without it; null = there was no fallback. */
  readonly failedStatus: number | null
  /** Where it failed; empty = it was not sent. */
  readonly failedUpstream: string | null
  /** Null = what came was no request. */
  readonly method: string | null
  /** Null where there was no request, or none whose target is a path. */
  readonly path: string | null
  /** Why it ended as it did, in Envoy's words; `-` = normally. */
  readonly flags: string
  readonly attempts: number
  /** Origin of the last attempt; empty = none was made. */
  readonly upstream: string
  /** Null = it was turned away before it was timed. */
  readonly ms: number | null
  /** Until the variant was chosen: reading the head, and what was needed of the body. */
  readonly readMs: number | null
  /** Until the first attempt: at the variant's door. */
  readonly queueMs: number | null
  /** Of the last attempt: until it had a connection, until the answer's head, until the answer's end. */
  readonly connectMs: number | null
  readonly firstByteMs: number | null
  readonly bodyMs: number | null
  /** Lines of the same code that were left out since the last one; absent = none. */
  readonly suppressed?: number
}

/** Writes every n-th request, evenly, and every request that failed: these as warnings, so that a level finds them. */
export class AccessLog {
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #sample: () => number
  #due = 0

  /** `sample`: the share to write, as a fraction of 1; read anew each time, so that a reload changes it. */
  constructor(log: Pick<Logger, 'info' | 'warn'>, sample: () => number) {
    this.#log = log
    this.#sample = sample
  }

  /** Whether this request is written. To be asked once per request, before the facts are put together. */
  takes(outcome: Outcome, code: ErrorCode | null): boolean {
    this.#due += this.#sample()
    const isSampled = this.#due >= 1
    if (isSampled) this.#due -= 1
    return isSampled || isFailure(outcome, code)
  }

  write(req: IncomingMessage, trace: Trace, facts: AccessFacts): void {
    const { startedAt, assignedAt, admittedAt, attemptAt, sentAt, headAt, endAt } = trace
    const { replaced } = facts
    const { outcome, code } = replaced ?? facts
    // Field by field: a spread of so many costs four times what encoding and writing the line do.
    const entry: AccessEntry = {
      requestId: facts.requestId,
      service: facts.service,
      variant: facts.variant,
      reason: facts.reason,
      requestBytes: facts.requestBytes,
      answerBytes: facts.answerBytes,
      status: facts.status,
      outcome,
      code,
      fallback: replaced !== null,
      failedStatus: replaced?.status ?? null,
      failedUpstream: replaced?.upstream ?? null,
      method: req.method!,
      path: withoutQuery(req.url!),
      // The fallback's attempt is none of the variant's.
      flags: terminationFlag(code, replaced === null ? trace.attempts : 1),
      attempts: trace.attempts,
      upstream: trace.upstream,
      ms: span(startedAt, endAt)!,
      readMs: span(startedAt, assignedAt),
      queueMs: span(assignedAt, admittedAt === 0 ? endAt : admittedAt),
      connectMs: span(attemptAt, sentAt),
      firstByteMs: span(sentAt, headAt),
      bodyMs: span(headAt, endAt),
    }
    if (isFailure(outcome, code)) this.#log.warn(entry, 'request')
    else this.#log.info(entry, 'request')
  }

  /**
   * Writes one that was turned away before it was anybody's exchange. `suppressed`: lines like it that were
   * left out before.
   */
  writeRefused({ requestId, code, req, service }: Refused, suppressed: number): void {
    const entry: AccessEntry = {
      ...{ requestId, service, variant: null, reason: null, requestBytes: 0, answerBytes: 0 },
      ...{ status: errorEntry(code).status, outcome: 'rejected', code },
      ...{ fallback: false, failedStatus: null, failedUpstream: null },
      ...{ method: req?.method ?? null, path: pathOf(req?.url) },
      ...{ flags: terminationFlag(code, 0), attempts: 0, upstream: '' },
      ...{
        ms: null,
        readMs: null,
        queueMs: null,
        connectMs: null,
        firstByteMs: null,
        bodyMs: null,
      },
      ...(suppressed === 0 ? {} : { suppressed }),
    }
    this.#log.warn(entry, 'request')
  }
}

// Whoever left before the end is no matter of the server's; whom we turned away has not left.
function isFailure(outcome: Outcome, code: ErrorCode | null): boolean {
  if (outcome === 'client_closed') return code !== null && code !== 'SERIN_CLIENT_CLOSED'
  return outcome !== 'ok'
}

function withoutQuery(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** Of a target that nobody has checked: in absolute form it could name a user and a password. */
function pathOf(target: string | undefined): string | null {
  if (target === undefined || !target.startsWith('/')) return null
  const fragment = target.indexOf('#')
  return withoutQuery(fragment === -1 ? target : target.slice(0, fragment))
}

/** To a microsecond; null where one of the moments never came. */
function span(from: number, to: number): number | null {
  return from === 0 || to === 0 ? null : Math.round((to - from) * 1000) / 1000
}
