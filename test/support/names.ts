import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { Connections, type Way } from '../../src/proxy/connections.ts'
import { KnownNames } from '../../src/proxy/known-names.ts'

type Resolve = (name: string) => Promise<readonly LookupAddress[]>

const bySystem: Resolve = (name) => lookup(name, { all: true })

/** Names that lead where the test says, else where the system does; nobody hears when that fails. */
export function namesBy(resolve = bySystem): KnownNames {
  const clock = { now: () => 0, monotonic: () => performance.now() }
  return new KnownNames({ clock, resolve, onFailing: () => {}, onFound: () => {} })
}

/** Addresses as a resolver gives them. */
export function asFound(addresses: readonly string[]): readonly LookupAddress[] {
  return addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
}

/** Connections on their own, to be destroyed; `onError` as theirs. */
export function connectionsBy(way: Way, onError: (error: unknown) => void): Connections {
  return new Connections(way, namesBy(), onError)
}
