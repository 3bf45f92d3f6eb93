import type { ErrorCode } from '../domain/errors.ts'

/** Where an exchange stands, and so whose time is running. */
export type Phase =
  /** The client's: its body is read before the request is assigned. */
  | 'collecting'
  /** It waits at its variant's door. */
  | 'queued'
  | 'connecting'
  /** The client's, unless the upstream does not take more: the body is on its way up. */
  | 'sending'
  | 'waiting'
  | 'receiving'
  /** A WebSocket session is open. */
  | 'tunnelling'
  /** The client's: it does not read the answer. */
  | 'stalled'
  /** All is booked; the last bytes are on their way to a slow client. */
  | 'flushing'
  | 'done'

/** Whether the request is with the upstreams, or on its way to them, and has no answer yet. */
export function isUnanswered(phase: Phase): boolean {
  return phase === 'queued' || phase === 'connecting' || phase === 'waiting'
}

/**
 * What it means that a phase took too long. `capped`: the limit over all phases passed; a client's phase
 * stays the client's fault all the same.
 */
export function codeOfTimeout(phase: Phase, capped: boolean): ErrorCode {
  if (phase === 'queued') return 'SERIN_QUEUE_TIMEOUT'
  return OF_CLIENT[phase] ?? (capped ? TOTAL : (OF_UPSTREAM[phase] ?? TOTAL))
}

const TOTAL: ErrorCode = 'SERIN_UPSTREAM_TOTAL_TIMEOUT'

const OF_CLIENT: Readonly<Partial<Record<Phase, ErrorCode>>> = {
  collecting: 'SERIN_REQUEST_TIMEOUT',
  sending: 'SERIN_REQUEST_TIMEOUT',
  stalled: 'SERIN_CLIENT_CLOSED',
}

const OF_UPSTREAM: Readonly<Partial<Record<Phase, ErrorCode>>> = {
  connecting: 'SERIN_UPSTREAM_CONNECT_TIMEOUT',
  waiting: 'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT',
  receiving: 'SERIN_UPSTREAM_IDLE_TIMEOUT',
  tunnelling: 'SERIN_UPSTREAM_IDLE_TIMEOUT',
}
