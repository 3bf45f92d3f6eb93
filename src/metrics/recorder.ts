import type { Assignment } from '../domain/assignment.ts'
import type { Cohort, Side } from '../domain/cohort.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Slot } from './cohort-slot.ts'
import type { PairTicket } from './pair-ledger.ts'
import type { RuleFigures } from './rule-book.ts'
import type { UnitClaim } from './unit-claims.ts'
import type { VariantBook } from './variant-book.ts'

/**
 * What the data plane tells about a service's requests. Every call is O(1), synchronous, and never
 * awaited; nothing here may throw into the request path. `now` is the moment in monotonic ms.
 */
export type ServiceRecorder = {
  /**
   * Books an assignment into the open cohort. The ticket comes back with everything later; with
   * `predicted` only when it is `observed`.
   */
  readonly begin: (
    assignment: Assignment,
    requestId: string,
    now: number,
    observed: boolean,
  ) => Ticket
  /** The final head of the upstream's answer arrived. */
  readonly head: (ticket: Ticket, now: number) => void
  /** A metric asks for the time until the first byte of a body; else `firstByte` need not be told. */
  readonly timesFirstBytes: boolean
  /** The first byte of the body of a good answer arrived; not where it has none. */
  readonly firstByte: (ticket: Ticket, now: number) => void
  /**
   * The request's one outcome: exactly once per ticket. `status` as sent to the client (0 = none);
   * `upstreamMs` is the time that attempts at upstreams took (null: none was made). `code`: of the gateway's own
   * answer; absent or null = the upstream's.
   */
  readonly end: (
    ticket: Ticket,
    outcome: Outcome,
    status: number,
    upstreamMs: number | null,
    now: number,
    code?: ErrorCode | null,
  ) => void
  /**
   * A WebSocket session goes on after its outcome was booked: it is in flight until `sessionEnded`, which
   * comes exactly once.
   */
  readonly sessionBegan: (variant: string) => void
  readonly sessionEnded: (variant: string) => void
  /**
   * What was read from the answer after it left: the prediction, and the numbers by pointer; null = it had
   * none. At most once per ticket, also for a request that is only remembered for its events.
   */
  readonly predicted: (
    ticket: Ticket,
    value: number | null,
    numbers: Readonly<Record<string, number | null>>,
  ) => void
  /**
   * One attempt at an upstream of `variant` (retries count here and nowhere else). It is another one than the
   * ticket's where the baseline was asked in the canary's place.
   */
  readonly attempt: (
    ticket: Ticket,
    variant: string,
    upstream: string,
    result: AttemptResult,
  ) => void
  /** The baseline was asked in the canary's place, and this is what became of it. */
  readonly fallback: (result: FallbackResult) => void
  /** A prediction was looked for in a good answer, and there was none. */
  readonly unreadable: (ticket: Ticket) => void
  /** Things of a request that are worth a count: a key that could not be read, a wrong override secret … */
  readonly note: (what: RequestNote) => void
}

/** What became of one attempt; `aborted` = nobody waited for it any more. */
export type AttemptResult = 'ok' | 'failed' | 'aborted' | 'timeout'

/** What became of a request that the baseline answered in the canary's place. */
export type FallbackResult = 'ok' | 'failed'

/** Closed set: label values never come from requests. */
export type RequestNote =
  | 'key_missing'
  | 'key_unreadable'
  | 'coin_unreadable'
  | 'body_over_inspect_limit'
  | 'analysis_unreadable'
  | 'rule_suppressed'
  | 'override_refused'
  | 'prediction_unreadable'
  | 'upstream_truncated'
  | 'stream_error'

/** One request's place in the books; opaque to the data plane. */
export type Ticket = {
  readonly variant: string
  readonly book: VariantBook
  readonly reason: Assignment['reason']
  readonly requestId: string
  readonly side: Side | null
  /** Null when the request is no evidence. */
  readonly cohort: Cohort | null
  /** That cohort, with what is under way in it. */
  readonly slot: Slot | null
  /** The key's unit hash; null = the request is its own unit. */
  readonly unit: number | null
  /** First judged request of its key in this attempt (always true without a key); with a claim, once that is known. */
  first: boolean
  /** Set while another process may have judged the key: the books wait for it, those of all comparisons too. */
  claim: UnitClaim | null
  /** Null where the service has none. */
  readonly segment: string | null
  /** Monotonic ms. */
  readonly startedAt: number
  /** Milliseconds since the epoch. */
  readonly startedWall: number
  headAt: number | null
  /** Of a good answer's body, or its head's where it has none; null = not yet, or nobody asks. */
  firstByteAt: number | null
  /** Its client left a stream of events that was running. */
  stopped: boolean
  /** The figures of its rule; null where the service has no rules, and for overrides. */
  readonly ruled: RuleFigures | null
  /** Its places in the comparisons of an experiment; empty where there is none. */
  compared: readonly ComparedTicket[]
  /** Its copy to the canary, where that is evidence of a mirror step. */
  pair: PairTicket | null
  /** Among the live tickets of its cohort. */
  place: number
  done: boolean
}

/** A request's place in one comparison. */
export type ComparedTicket = { readonly challenger: string; readonly ticket: Ticket }
