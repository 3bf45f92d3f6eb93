import { ADDRCONFIG } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './domain/clock.ts'
import type { Every } from './evaluator/every.ts'
import { hostOf } from './proxy/connections.ts'
import type { Shortage } from './proxy/errors.ts'
import { createHealthChecks } from './proxy/health-checks.ts'
import { KnownNames } from './proxy/known-names.ts'
import { createNameWatch } from './proxy/name-watch.ts'
import { createUpstreamRegistry, type UpstreamRegistry } from './proxy/upstream-registry.ts'

/** All upstreams, and those who look after them. */
export type LiveUpstreams = {
  readonly names: KnownNames
  readonly registry: UpstreamRegistry
  /** Asks those that were never asked whether they are well; resolves when that is known. */
  readonly checkNew: () => Promise<void>
  /** Ends the checks and breaks off what is running. */
  readonly close: () => Promise<void>
}

/**
 * Makes the upstreams' registry, checks their health and follows their names, and that of the passthrough (an
 * origin; null = there is none); the log hears of changes.
 */
export function createLiveUpstreams(
  clock: Clock,
  log: FastifyBaseLogger,
  passthrough: string | null,
  every: Every,
): LiveUpstreams {
  const names = new KnownNames({
    clock,
    // As `net.connect` asks by itself.
    resolve: (name) => lookup(name, { all: true, hints: ADDRCONFIG }),
    onFailing: (name, why, addresses) =>
      log.warn({ name, why, addresses }, 'a name of upstreams cannot be looked up'),
    onFound: (name, addresses) =>
      log.info({ name, addresses }, 'a name of upstreams is found again'),
  })
  const registry = createUpstreamRegistry(names, log)
  const told = new Set<Shortage>()
  const health = createHealthChecks({
    ...{ clock, every },
    upstreams: registry.upstreams,
    onChange: ({ service, variant, origin: upstream }, why) => {
      const place = { service, variant, upstream }
      if (why === null) log.info(place, 'an upstream is well')
      else log.warn({ ...place, why }, 'an upstream is not well')
    },
    onUntried: ({ origin: upstream }, short) => {
      if (told.has(short)) return
      told.add(short)
      if (short === 'ports')
        log.error(
          { upstream },
          'no local port is left for connections to an upstream, or this machine has no address of its family',
        )
      else log.error('no file is left to check upstreams: raise the limit of open files')
    },
  })
  const watch = createNameWatch({
    names,
    connections: registry.connections,
    others: passthrough === null ? [] : [hostOf(passthrough)],
    every,
    onChange: (name, addresses) => log.info({ name, addresses }, 'upstreams moved'),
  })
  return {
    names,
    registry,
    checkNew: health.checkNew,
    close: async () => {
      health.close()
      watch.close()
      await registry.destroy()
    },
  }
}
