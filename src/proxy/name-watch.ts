import { isIP } from 'node:net'
import type { Clock } from '../domain/clock.ts'
import type { Connections } from './connections.ts'

/** What the watch works on. */
export type NameWatchDeps = {
  readonly clock: Clock
  /** Those that are in use now. */
  readonly connections: () => Iterable<Connections>
  /** All addresses of a name, in any order; may reject. */
  readonly lookup: (name: string) => Promise<readonly string[]>
  /** Calls `run` every `ms` until what it gave is called. */
  readonly every: (ms: number, run: () => Promise<void>) => () => void
  /** A name leads to other addresses than before, and new connections follow it. */
  readonly onChange: (name: string, addresses: readonly string[]) => void
}

/** How long what a name leads to is believed. */
const LOOKUP_MS = 30_000

/** How often it is seen which names are due. */
const TICK_MS = 1_000

/** What is known of a name: its addresses in order, null before the first that were found. */
type Known = { lookedAt: number; addresses: string | null }

/**
 * Looks up the names of upstreams again and again. A connection under load is never closed, so without
 * this a server that moved would keep its requests at its old address. When the set of addresses changes
 * new requests use new connections, and running ones end where they are. A lookup that fails, or finds
 * nothing, changes nothing. One lookup at a time: a resolver that hangs holds one of libuv's threads.
 */
export function createNameWatch(deps: NameWatchDeps): { readonly close: () => void } {
  const known = new Map<string, Known>()
  let isLooking = false
  let isClosed = false

  async function look(name: string, of: Known): Promise<void> {
    of.lookedAt = deps.clock.monotonic()
    const found = await deps.lookup(name).catch(() => [])
    if (found.length === 0 || isClosed) return
    const addresses = [...new Set(found)].toSorted()
    const text = addresses.join(' ')
    const isMoved = of.addresses !== null && of.addresses !== text
    of.addresses = text
    if (!isMoved) return
    for (const each of deps.connections()) if (nameOf(each) === name) each.renew()
    deps.onChange(name, addresses)
  }

  async function lookAtDue(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const names = new Set([...deps.connections()].map(nameOf).filter((name) => name !== null))
    for (const name of known.keys()) if (!names.has(name)) known.delete(name)
    for (const name of names) {
      let of = known.get(name)
      if (of === undefined) known.set(name, (of = { lookedAt: -Infinity, addresses: null }))
      if (deps.clock.monotonic() - of.lookedAt >= LOOKUP_MS) await look(name, of)
    }
    isLooking = false
  }

  const stop = deps.every(TICK_MS, lookAtDue)
  return {
    close: () => {
      isClosed = true
      stop()
    },
  }
}

/** Null: its host is an address. */
function nameOf({ way }: Connections): string | null {
  const { hostname } = new URL(way.origin)
  return hostname.startsWith('[') || isIP(hostname) !== 0 ? null : hostname
}
