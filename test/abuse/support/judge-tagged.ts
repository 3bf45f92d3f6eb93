import type { Tagged, TaggedOutcome } from './tagged-request.ts'

/** What was going on around a request. */
export type Surroundings = {
  /** No upstream was restarting while it ran. */
  readonly isUpstreamUp: boolean
  /** No gateway was coming or going while it ran. */
  readonly isGatewayUp: boolean
}

/** The errors of serin that a lost or dying upstream explains, with the `proxy-status` that belongs to each. */
const UPSTREAM_GONE: Readonly<Record<string, readonly [status: number, error: string]>> = {
  SERIN_UPSTREAM_REFUSED: [502, 'connection_refused'],
  SERIN_UPSTREAM_RESET: [502, 'connection_terminated'],
}

/** What a client sees of a connection that ends too early. */
const CUT: ReadonlySet<string> = new Set([
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  // undici's parser, of a chunked answer that ends on a connection which is not kept: without a code of its own.
  'HTTPParserError: Response does not match the HTTP/1.1 protocol (Invalid EOF state)',
])

/**
 * What is wrong with an outcome, or null: the right answer is always fine; anything else needs a fault that
 * explains it, and then has the status and the `proxy-status` of that fault.
 */
export function judgeTagged(
  { fault, leaves }: Tagged,
  outcome: TaggedOutcome,
  { isUpstreamUp, isGatewayUp }: Surroundings,
): string | null {
  if (outcome.isRight) {
    return fault === 'reset' || fault === 'truncated' ? `answered in spite of ${fault}` : null
  }
  if (leaves) return null
  if (outcome.error !== null) {
    // An answer that has begun is carried to its end by a gateway that goes: only its upstream may cut it.
    const isBegun = outcome.status !== null
    const mayBeCut = fault === 'truncated' || !isUpstreamUp || (!isBegun && !isGatewayUp)
    const what = isBegun ? 'a cut answer' : 'no answer'
    return mayBeCut && CUT.has(outcome.error) ? null : `${what}: ${outcome.error}`
  }
  const known = UPSTREAM_GONE[outcome.errorCode ?? '']
  if (known === undefined) return `an answer that is not right: ${outcome.status}`
  if (fault !== 'reset' && fault !== 'truncated' && isUpstreamUp) {
    return `${outcome.errorCode} without a reason`
  }
  const [status, error] = known
  const isMarked = outcome.status === status && outcome.proxyStatus?.endsWith(`; error=${error}`)
  return isMarked === true ? null : `${outcome.status} with proxy-status ${outcome.proxyStatus}`
}
