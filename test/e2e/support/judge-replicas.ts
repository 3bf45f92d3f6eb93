import type { Test } from 'tap'
import type { DecisionJson } from '../../../src/admin/present.ts'
import type { KeyedRequest } from './keyed-load.ts'
import type { RedisLog } from './redis-log.ts'

/** A span of time in ms since the epoch. */
export type Span = { readonly from: number; readonly to: number }

/** A decision that a gateway said that it made, by its log. */
export type ClaimedDecision = {
  readonly pid: number
  readonly service: string
  readonly id: number
}

/** What was seen of gateways on one Redis from outside. */
export type Witnessed = {
  readonly redis: RedisLog
  readonly claimed: readonly ClaimedDecision[]
  /** Decisions that the API of some gateway has shown, ever. */
  readonly shown: ReadonlyMap<string, DecisionJson>
  readonly requests: readonly KeyedRequest[]
  /** When each gateway was no process that can answer. */
  readonly down: readonly (readonly Span[])[]
  /** When each gateway could not know of new weights, and some seconds after that. */
  readonly excused: readonly (readonly Span[])[]
  /** Faults that can have swallowed the answer to a write. */
  readonly faults: number
}

/** New weights are served everywhere within a second; where much else runs, looks come later than they should. */
const WEIGHTS_MS = 3000

/** Decisions: none lost, none by a process without the lease, and none that two processes have made. */
export function judgeDecisions(t: Test, name: string, seen: Witnessed): void {
  const { leases, decisions } = seen.redis
  const holders = leases.filter(({ holder }) => holder !== '')
  t.ok(
    holders.every(({ token }, i) => i === 0 || token > holders[i - 1]!.token),
    `${name}: fencing tokens grow: ${holders.map(({ token }) => token).join(' ')}`,
  )
  t.ok(
    decisions.every(({ holder }) => holder !== ''),
    `${name}: somebody held the lease at each decision`,
  )
  t.ok(
    decisions.every(({ token }, i) => i === 0 || token >= decisions[i - 1]!.token),
    `${name}: the tokens of decisions never go back`,
  )
  const written = new Map(decisions.map((d) => [`${d.service} ${d.id}`, d]))
  for (const { pid, service, id } of seen.claimed) {
    const found = written.get(`${service} ${id}`)
    t.equal(pidOf(found?.holder), pid, `${name}: ${service} #${id} was made by who held the lease`)
  }
  const claims = seen.claimed.map(({ service, id }) => `${service} ${id}`)
  t.equal(new Set(claims).size, claims.length, `${name}: none was made by two`)
  const unclaimed = decisions.length - claims.length
  t.ok(unclaimed <= seen.faults, `${name}: ${unclaimed} decisions whose maker did not hear of it`)
  for (const [place, { action, reason, at }] of seen.shown) {
    const decision = written.get(place)?.decision
    t.match(decision, { action, reason, at: Date.parse(at) }, `${name}: ${place} is kept as shown`)
  }
}

/** Requests: what failed was sent to a process that was down; `failing` says whose answers are their model's. */
export function judgeFailures(
  t: Test,
  name: string,
  { requests, down }: Witnessed,
  failing: (request: KeyedRequest) => boolean,
): void {
  const failed = requests.filter(({ status }) => status !== 200)
  const unexplained = failed.filter(
    (request) => !failing(request) && !overlaps(request, down[request.gateway]!),
  )
  t.same(unexplained.slice(0, 3), [], `${name}: ${failed.length} of ${requests.length} failed`)
}

/**
 * The split: from some seconds after each change of weights on, each key has the same variant at every gateway that
 * could know; with all of the traffic on one variant, that one. Gives the longest time in which a gateway was seen
 * to serve the weights before, by decision, for those that give one variant all.
 */
export function judgeSplit(
  t: Test,
  name: string,
  { redis, requests, excused }: Witnessed,
  failing: (request: KeyedRequest) => boolean,
): ReadonlyMap<string, number> {
  const lags = new Map<string, number>()
  const changes = redis.decisions.filter(
    ({ decision: { from, to } }) => from.weights['canary'] !== to.weights['canary'],
  )
  let judged = 0
  for (const [index, { service, id, decision }] of changes.entries()) {
    const next = changes.slice(index + 1).find((later) => later.service === service)
    const weight = decision.to.weights['canary']!
    const after = requests.filter(
      (r) =>
        r.service === service &&
        r.variant !== null &&
        r.startedAt >= decision.at &&
        r.endedAt < (next?.decision.at ?? Infinity) &&
        !overlaps(r, excused[r.gateway]!),
    )
    const whole = weight === 100 ? 'canary' : weight === 0 ? 'baseline' : null
    if (whole !== null) {
      const late = after.filter(({ variant }) => variant !== whole)
      lags.set(`${service} #${id}`, Math.max(0, ...late.map((r) => r.startedAt - decision.at)))
    }
    const variants = new Map<string, string>()
    const torn = after.filter((r) => {
      if (r.startedAt < decision.at + WEIGHTS_MS) return false
      // A gateway whose own breaker trips gives a failing canary nothing before that is decided.
      if (whole === null && failing(r)) return false
      judged += 1
      const before = whole ?? variants.get(r.key) ?? r.variant!
      variants.set(r.key, before)
      return before !== r.variant
    })
    const where = `${name}: ${service} #${id} to ${weight} %`
    t.same(torn.slice(0, 3), [], `${where} is served everywhere soon`)
  }
  t.ok(judged > 100, `${name}: ${judged} requests were compared`)
  return lags
}

/** A name of a holder is `host:pid:…`. */
function pidOf(holder: string | undefined): number {
  return Number(holder?.split(':').at(-2))
}

function overlaps({ startedAt, endedAt }: KeyedRequest, spans: readonly Span[]): boolean {
  return spans.some(({ from, to }) => startedAt <= to && endedAt >= from)
}
