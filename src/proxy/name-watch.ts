import { isIP } from 'node:net'
import type { Connections } from './connections.ts'
import type { KnownNames } from './known-names.ts'

/** What the watch works on. */
export type NameWatchDeps = {
  readonly names: KnownNames
  /** Those that are in use now. */
  readonly connections: () => Iterable<Connections>
  /** Hosts that are connected to besides, and followed by who does so. */
  readonly others: readonly string[]
  /** Calls `run` every `ms` until what it gave is called. */
  readonly every: (ms: number, run: () => Promise<void>) => () => void
  /** A name leads to other addresses than before, and new connections follow it. */
  readonly onChange: (name: string, addresses: readonly string[]) => void
}

/** How often it is seen which names are due. */
const TICK_MS = 1_000

/**
 * Looks up the names of upstreams again and again, and forgets those that are used no more. A connection
 * under load is never closed, so without this a server that moved would keep its requests at its old
 * address. When the set of addresses changes new requests use new connections, and running ones end where
 * they are. A lookup that fails, or finds nothing, changes nothing. One lookup at a time: the other one
 * that may run at once is left to names that are new.
 */
export function createNameWatch(deps: NameWatchDeps): { readonly close: () => void } {
  const { names } = deps
  let isLooking = false
  let isClosed = false

  async function look(name: string): Promise<void> {
    const addresses = await names.refresh(name)
    if (addresses === null || isClosed) return
    for (const each of deps.connections()) if (each.host === name) each.renew()
    deps.onChange(name, addresses)
  }

  async function lookAtDue(): Promise<void> {
    names.losePatience()
    if (isLooking) return
    isLooking = true
    const hosts = [...deps.connections()].map(({ host }) => host)
    const used = new Set([...hosts, ...deps.others].filter(isName))
    names.keep(used)
    for (const name of used) if (names.isDue(name)) await look(name)
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

/** False: an address. */
function isName(host: string): boolean {
  return isIP(host) === 0
}
