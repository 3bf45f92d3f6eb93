import type { Service } from '../domain/service.ts'
import type { Listen } from './config.ts'
import { isLoopback } from './listen.ts'
import type { Finding } from './problem.ts'

/** Variants that ask one server for the same: whatever is compared of them is a server beside itself. */
export function lintUpstreams({ name, match, variants }: Service): readonly Finding[] {
  const asked = (origin: string, { path, tls }: Service['variants'][number]) =>
    JSON.stringify([origin, path ?? match.path, tls?.servername])
  const ownerOf = new Map<string, string>()
  return variants.flatMap((variant) =>
    variant.upstreams.flatMap((origin, i) => {
      const owner = ownerOf.get(asked(origin, variant))
      ownerOf.set(asked(origin, variant), owner ?? variant.name)
      if (owner === undefined) return []
      const path = ['services', name, 'variants', variant.name, 'upstreams', i]
      const message = `${origin} is an upstream of ${owner} too, and no path of its own tells ${variant.name} apart: one server answers for both, and would be compared with itself`
      return [{ path, message }]
    }),
  )
}

/** Upstreams that are the gateway's own data port: a request to one comes back, and is refused as a loop (508). */
export function lintOwnAddress({ name, variants }: Service, listen: Listen): readonly Finding[] {
  return variants.flatMap((variant) =>
    variant.upstreams.flatMap((origin, i) => {
      if (!leadsTo(listen, new URL(origin))) return []
      const path = ['services', name, 'variants', variant.name, 'upstreams', i]
      const message = `${origin} is where the gateway itself listens (gateway.listen): requests to ${variant.name} would come back to it, and are refused as a loop`
      return [{ path, message }]
    }),
  )
}

const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

// What other addresses this machine has is not known here.
function leadsTo(listen: Listen, { protocol, hostname, port }: URL): boolean {
  const asked = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  if (asked !== listen.port) return false
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === listen.host) return true
  return isLoopback(host) && (ALL_ADDRESSES.has(listen.host) || isLoopback(listen.host))
}
