import { isDeepStrictEqual } from 'node:util'
import type { Targets } from './proxy/upstream-registry.ts'

/**
 * Which variants' certificates were replaced on disk between two readings of the configuration, in short
 * sentences. A variant that the configuration itself changed is not told of here.
 */
export function describeRenewals(before: Targets, after: Targets): readonly string[] {
  return [...after.byService].flatMap(([service, variants]) =>
    [...variants].flatMap(([name, { variant, upstreams }]) => {
      const was = before.byService.get(service)?.get(name)
      if (was === undefined || !isDeepStrictEqual(was.variant, variant)) return []
      const isSame = isDeepStrictEqual(
        was.upstreams[0]?.connections.way.tls,
        upstreams[0]?.connections.way.tls,
      )
      return isSame ? [] : [`service ${service}: new certificates of ${name}`]
    }),
  )
}
