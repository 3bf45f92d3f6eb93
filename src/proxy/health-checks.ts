import type { Clock } from '../domain/clock.ts'
import type { Connections } from './connections.ts'
import type { Shortage } from './errors.ts'
import { probeConnection, probePath, type Complaint } from './probe.ts'
import type { Upstream } from './upstream.ts'

/** How often a connection is tried where no health check is configured. */
const CONNECT_INTERVAL_MS = 2_000

/** How often an upstream is checked at least that was never well: it may be about to start. */
const FIRST_INTERVAL_MS = 1_000

/** What the checks work on. */
export type HealthCheckDeps = {
  readonly clock: Clock
  /** Calls `run` each `ms` until what comes back is called. */
  readonly every: (ms: number, run: () => Promise<void>) => () => void
  /** Those to be checked now. */
  readonly upstreams: () => readonly Upstream[]
  /** An upstream is well from now on, or not any more; `why` tells what its last check found then. */
  readonly onChange: (upstream: Upstream, why: Complaint) => void
  /** A check could not be made: the gateway itself is short of what it takes. What is known of the upstream stays. */
  readonly onUntried: (upstream: Upstream, short: Shortage) => void
}

/** Asks all upstreams whether they are well. */
export type HealthChecks = {
  /** Checks those that were never checked; resolves when their checks have ended. */
  readonly checkNew: () => Promise<void>
  /** Checks those whose time has come; the timer's business, and a test's. */
  readonly checkDue: () => Promise<void>
  readonly close: () => void
}

/** The checks of everything that is checked in the same way: several variants may name one server. */
type Round = {
  at: number
  failed: number
  good: number
  why: Complaint
  running: boolean
  /** Nothing is known of the server itself yet: the name that it is reached by was never found. */
  isNameless: boolean
}

/**
 * Checks every upstream in its interval: by GET of its health path, else by connecting to it. A canary
 * that does not run yet is not given requests, and one that has gone is noticed without any. Until an upstream was
 * well for the first time it is checked every second: who waits for it waits for its start, not for an interval.
 */
export function createHealthChecks(deps: HealthCheckDeps): HealthChecks {
  const rounds = new Map<string, Round>()

  async function check(round: Round, group: readonly Upstream[]): Promise<void> {
    const { connections, check: spec } = group[0]!
    round.running = true
    round.at = deps.clock.monotonic()
    const found =
      spec === null
        ? await probeConnection(connections)
        : await probePath(connections.pool, spec.path, spec.intervalMs)
    round.running = false
    if (found !== null && typeof found === 'object') return deps.onUntried(group[0]!, found.short)
    round.why = found
    const isGood = found === null
    const { isNameless } = round
    round.isNameless &&= !isGood && !connections.names.knows(connections.host)
    if (!isGood) connections.doubt()
    round.good = isGood ? round.good + 1 : 0
    round.failed = isGood ? 0 : round.failed + 1
    for (const upstream of group) note(upstream, round, isNameless)
  }

  function note(upstream: Upstream, { good, failed, why }: Round, isFirst: boolean): void {
    const found = failed > 0 ? 'down' : 'up'
    if (found === upstream.health) return
    const { healthyAfter, unhealthyAfter } = upstream.check ?? AT_ONCE
    const needed = found === 'down' ? unhealthyAfter : healthyAfter
    // The first finding counts at once: until then nothing is known.
    if (upstream.health !== 'unknown' && !isFirst && Math.max(good, failed) < needed) return
    upstream.checked(found, deps.clock.monotonic())
    deps.onChange(upstream, why)
  }

  async function run(
    isDue: (round: Round, intervalMs: number, way: Connections) => boolean,
  ): Promise<void> {
    const due: Promise<void>[] = []
    const groups = groupByCheck(deps.upstreams())
    for (const key of rounds.keys()) if (!groups.has(key)) rounds.delete(key)
    for (const [key, group] of groups) {
      let round = rounds.get(key)
      if (round === undefined) {
        round = createRound()
        rounds.set(key, round)
      }
      const { connections } = group[0]!
      const intervalMs = intervalOf(group)
      const isNew = group.some(({ health }) => health === 'unknown')
      if (!round.running && (isNew || isDue(round, intervalMs, connections)))
        due.push(check(round, group))
    }
    await Promise.all(due)
  }

  const checkDue = () => {
    const now = deps.clock.monotonic()
    return run(
      (round, intervalMs, { names, host }) =>
        now - round.at >= intervalMs || (round.isNameless && names.knows(host)),
    )
  }
  const close = deps.every(TICK_MS, checkDue)
  return { checkDue, checkNew: () => run(() => false), close }
}

function createRound(): Round {
  return { at: -Infinity, failed: 0, good: 0, why: null, running: false, isNameless: true }
}

/** How often it is looked which checks are due. */
const TICK_MS = 250

const AT_ONCE = { healthyAfter: 1, unhealthyAfter: 1 }

function intervalOf(group: readonly Upstream[]): number {
  const intervalMs = group[0]!.check?.intervalMs ?? CONNECT_INTERVAL_MS
  return group.every(({ wasUp }) => wasUp) ? intervalMs : Math.min(intervalMs, FIRST_INTERVAL_MS)
}

/** Those that one check speaks for, together. */
function groupByCheck(upstreams: readonly Upstream[]): ReadonlyMap<string, readonly Upstream[]> {
  const groups = new Map<string, Upstream[]>()
  for (const upstream of upstreams) {
    const group = groups.get(upstream.checkKey)
    if (group === undefined) groups.set(upstream.checkKey, [upstream])
    else group.push(upstream)
  }
  return groups
}
