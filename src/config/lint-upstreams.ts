import type { Service } from '../domain/service.ts'
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
