import { lookup } from 'node:dns/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './domain/clock.ts'
import { createHealthChecks } from './proxy/health-checks.ts'
import { createNameWatch } from './proxy/name-watch.ts'
import { createUpstreamRegistry, type UpstreamRegistry } from './proxy/upstream-registry.ts'

/** All upstreams, and those who look after them. */
export type LiveUpstreams = {
  readonly registry: UpstreamRegistry
  /** Asks those that were never asked whether they are well; resolves when that is known. */
  readonly checkNew: () => Promise<void>
  /** Ends the checks and breaks off what is running. */
  readonly close: () => Promise<void>
}

/** Makes the upstreams' registry, checks their health and follows their names; the log hears of changes. */
export function createLiveUpstreams(clock: Clock, log: FastifyBaseLogger): LiveUpstreams {
  const registry = createUpstreamRegistry(log)
  let isShortOfFiles = false
  const health = createHealthChecks({
    clock,
    upstreams: registry.upstreams,
    onChange: ({ service, variant, origin: upstream }, why) => {
      const place = { service, variant, upstream }
      if (why === null) log.info(place, 'an upstream is well')
      else log.warn({ ...place, why }, 'an upstream is not well')
    },
    onUntried: () => {
      if (!isShortOfFiles)
        log.error('no file is left to check upstreams: raise the limit of open files')
      isShortOfFiles = true
    },
  })
  const names = createNameWatch({
    clock,
    connections: registry.connections,
    lookup: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    every: (ms, run) => {
      const timer = setInterval(() => void run(), ms)
      timer.unref()
      return () => clearInterval(timer)
    },
    onChange: (name, addresses) => log.info({ name, addresses }, 'upstreams moved'),
  })
  return {
    registry,
    checkNew: health.checkNew,
    close: async () => {
      health.close()
      names.close()
      await registry.destroy()
    },
  }
}
