import type { Server } from 'node:http'
import type { Server as NetServer } from 'node:net'
import type { GatewayDeps } from './gateway-deps.ts'
import { mostConnections } from './open-files.ts'

/** How often connections that wait for a next request make room for new ones. */
const MAKE_ROOM_MS = 1_000

/** None has been closed for so long: it is over. */
const QUIET_MS = 10_000

/** Runs `run` every `ms` until what comes back is called. */
export type Repeat = (run: () => void, ms: number) => () => void

/** Clients that get no connection, from the first of them on. */
type Outage = { readonly since: number; count: number; lastAt: number }

/**
 * Clients get no connection where of `openFiles` none would be left for upstreams, the store and the admin port. Those
 * who are turned away find room when they come again: connections that are kept, and idle, are closed for them. Each is
 * counted; the log says when it begins, and, 10 s after the last one, that it is over.
 */
export function limitConnections(
  server: Server,
  { clock, config, counters, log }: Pick<GatewayDeps, 'clock' | 'config' | 'counters' | 'log'>,
  openFiles: number,
  repeat: Repeat = repeatInBackground,
): void {
  const most = mostConnections(openFiles, config().limits.inFlight)
  server.maxConnections = most
  const makeRoom = () => server.closeIdleConnections()
  const count = counters.countDropped
  tellOfDrops(server, { clock, log, count, makeRoom }, { most, openFiles }, repeat)
}

/** Who hears of connections that a server closes at once. */
export type DropDeps = Pick<GatewayDeps, 'clock' | 'log'> & {
  /** Each of them. */
  readonly count: () => void
  /** Called with the first, and then once a second at the most. */
  readonly makeRoom: () => void
}

/** Tells of the connections that a server closes at once, of `most` that it may have, for want of `openFiles`. */
export function tellOfDrops(
  server: NetServer,
  { clock, log, count, makeRoom }: DropDeps,
  facts: { readonly most: number; readonly openFiles: number },
  repeat: Repeat = repeatInBackground,
): void {
  let madeRoomAt = -Infinity
  let outage: Outage | null = null
  let stopLooking = () => {}

  const look = () => {
    const { since, count: dropped, lastAt } = outage!
    if (clock.monotonic() - lastAt < QUIET_MS) return
    stopLooking()
    outage = null
    const seconds = Math.round((lastAt - since) / 1000)
    log.info({ dropped, seconds }, 'connections of clients are closed at once no more')
  }

  server.on('drop', () => {
    const now = clock.monotonic()
    count()
    if (outage === null) {
      outage = { since: now, count: 0, lastAt: now }
      stopLooking = repeat(look, MAKE_ROOM_MS)
      log.error(facts, 'connections of clients are closed at once: too many are open')
    }
    outage.count++
    outage.lastAt = now
    if (now - madeRoomAt < MAKE_ROOM_MS) return
    madeRoomAt = now
    makeRoom()
  })
  server.once('close', () => stopLooking())
}

/** Does so by a timer that keeps no process alive. */
export function repeatInBackground(run: () => void, ms: number): () => void {
  const timer = setInterval(run, ms).unref()
  return () => clearInterval(timer)
}
