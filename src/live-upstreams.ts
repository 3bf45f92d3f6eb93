import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './domain/clock.ts'
import { createHealthChecks } from './proxy/health-checks.ts'
import { createUpstreamRegistry, type UpstreamRegistry } from './proxy/upstream-registry.ts'

/** All upstreams, and those who look after them. */
export type LiveUpstreams = {
  readonly registry: UpstreamRegistry
  /** Asks those that were never asked whether they are well; resolves when that is known. */
  readonly checkNew: () => Promise<void>
  /** Ends the checks and breaks off what is running. */
  readonly close: () => Promise<void>
}

/** Makes the upstreams' registry and checks their health; the log hears of changes. */
export function createLiveUpstreams(clock: Clock, log: FastifyBaseLogger): LiveUpstreams {
  const registry = createUpstreamRegistry(log)
  const health = createHealthChecks({
    clock,
    upstreams: registry.upstreams,
    onChange: ({ origin, health: found }) => {
      if (found === 'up') log.info({ upstream: origin }, 'an upstream is well')
      else log.warn({ upstream: origin }, 'an upstream is not well')
    },
  })
  return {
    registry,
    checkNew: health.checkNew,
    close: async () => {
      health.close()
      await registry.destroy()
    },
  }
}
