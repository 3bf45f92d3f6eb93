import type { AccessEntry } from '../../../src/proxy/access-log.ts'
import type { LifeGateway } from './life-gateway.ts'
import type { Served } from './served-requests.ts'

/** A request whose client has no whole answer: it left by itself, or the answer was cut. */
export type Unanswered = Pick<Served, 'gateway' | 'service' | 'requestId'> & {
  readonly hasLeft: boolean
}

/** Lines of the access log, which has every request here. */
export class AccessLines {
  readonly #all = new Map<LifeGateway, Map<string, AccessEntry>>()
  readonly #onFault: (what: string) => void

  constructor(onFault: (what: string) => void) {
    this.#onFault = onFault
  }

  /** A gateway has written a line. */
  add(gateway: LifeGateway, line: AccessEntry): void {
    const own = this.#all.get(gateway) ?? new Map<string, AccessEntry>()
    this.#all.set(gateway, own)
    if (own.has(line.requestId)) {
      this.#onFault(`${gateway.name} has a second line of ${line.requestId}: ${print(line)}`)
    }
    own.set(line.requestId, line)
  }

  /** How many lines there are of each outcome. */
  get outcomes(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const own of this.#all.values()) {
      for (const { outcome } of own.values()) counts[outcome] = (counts[outcome] ?? 0) + 1
    }
    return counts
  }

  /** Those of requests that a gateway has assigned to a variant of a service. */
  of(gateway: LifeGateway, service: string): readonly AccessEntry[] {
    const own = [...(this.#all.get(gateway)?.values() ?? [])]
    return own.filter((line) => line.service === service && line.variant !== null)
  }

  /** The one of a request; nothing of it is under way. */
  find(gateway: LifeGateway, requestId: string): AccessEntry | null {
    return this.#all.get(gateway)?.get(requestId) ?? null
  }
}

/** What a line says otherwise than the client that had an answer; null = nothing. */
export function compareServed(served: Served, line: AccessEntry | null): string | null {
  const { gateway, service, requestId, variant, isFallback, status, error } = served
  const told = `${requestId} of ${service} was ${status} (${error}) of ${variant}`
  if (line === null) return `${told}, and has no line`
  // It was turned away.
  if (line.variant === null) return null
  const isSame = line.status === status && line.variant === variant && line.fallback === isFallback
  const isBooked =
    isFallback || gateway.hasOtherErrors(service) || line.outcome === outcomeOf(status, error)
  return isSame && isBooked ? null : `${told}, and its line is ${print(line)}`
}

/** The same of a client that has no whole answer: who leaves is no failure, and who is cut off is one. */
export function compareUnanswered(asked: Unanswered, line: AccessEntry | null): string | null {
  const told = `${asked.requestId} of ${asked.service} ${asked.hasLeft ? 'was left' : 'was cut'}`
  if (line === null) return `${told}, and has no line`
  // It was turned away, or what is booked is what was replaced.
  if (line.variant === null || line.fallback) return null
  // An answer of serin's own may have been there when its client left.
  const isOwnAnswer = line.code !== null && line.status !== 499
  const isLeft = line.outcome === 'client_closed' || isOwnAnswer
  const isFailed = line.outcome === 'failed' || line.outcome === 'no_answer'
  if (asked.hasLeft ? isLeft : isFailed) return null
  return `${told}, and its line is ${print(line)}`
}

const NO_ANSWER: readonly string[] = [
  'SERIN_UPSTREAM_CONNECT_TIMEOUT',
  'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT',
  'SERIN_UPSTREAM_TOTAL_TIMEOUT',
]

/** As docs/resilience.md has it. */
function outcomeOf(status: number, error: string | null): string {
  if (error === 'SERIN_QUEUE_FULL' || error === 'SERIN_QUEUE_TIMEOUT') return 'rejected'
  if (error !== null && NO_ANSWER.includes(error)) return 'no_answer'
  return status >= 500 ? 'failed' : 'ok'
}

function print(line: AccessEntry): string {
  return JSON.stringify(line)
}
