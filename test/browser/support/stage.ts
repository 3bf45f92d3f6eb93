import type { AddressInfo } from 'node:net'
import type { ReloadStanding } from '../../../src/admin/admin-deps.ts'
import { createAdminServer } from '../../../src/admin/admin-plugin.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import type { ServiceStatus } from '../../../src/admin/service-status.ts'
import type { AdminToken } from '../../../src/config/config.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import { createFakeDeps } from '../../admin/fake-deps.ts'
import { SimulatedService, type Script } from './simulated-service.ts'

/** 2027-05-04T09:30:00.000Z: when a stage is first looked at. */
export const CURTAIN = Date.UTC(2027, 4, 4, 9, 30)

/** The admin API over simulated services, at a port of 127.0.0.1. */
export type Stage = {
  readonly url: string
  /** Milliseconds since the epoch, by the services' clock. */
  readonly now: () => number
  readonly service: (name: string) => SimulatedService
  /** All rollouts go on for so long. */
  readonly advance: (ms: number) => Promise<void>
  /** A reload is refused for these problems; null = it is mended. */
  readonly refuseReload: (problems: readonly string[] | null) => void
  /** The store is away, for this reason (to be read after "the store is"): its log cannot be read; null = it is back. */
  readonly takeStoreAway: (away: string | null) => void
  readonly close: () => Promise<void>
}

/** Runs the scripts up to the curtain and opens the API. */
export async function openStage(options: {
  readonly scripts: readonly Script[]
  /** Services that are not simulated, as they are now. */
  readonly others?: () => readonly ServiceStatus[]
  /** Their decisions, newest first. */
  readonly logs?: Readonly<Record<string, readonly Decision[]>>
  readonly tokens?: readonly AdminToken[]
}): Promise<Stage> {
  const { others = () => [], logs = {}, tokens = [] } = options
  const services = new Map<string, SimulatedService>()
  for (const script of options.scripts) {
    services.set(script.name, await SimulatedService.begin(script, CURTAIN))
  }
  let now = CURTAIN
  let reload: ReloadStanding = { inForceSince: CURTAIN - 3_600_000, waiting: [], refused: null }
  let away: string | null = null
  const statuses = () => [...[...services.values()].map((s) => s.status()), ...others()]
  const find = (name: string) => services.get(name)
  const deps = createFakeDeps({
    clock: { now: () => now, monotonic: () => now },
    services: statuses,
    serviceNames: () => statuses().map(({ service }) => service.name),
    service: (name) =>
      find(name)?.status() ?? others().find(({ service }) => service.name === name) ?? null,
    command: async (name, command, ifMatch) =>
      (await find(name)?.command(command, ifMatch)) ?? {
        ok: false,
        code: 'SERIN_REFUSED',
        detail: 'there is nothing to decide',
      },
    decisions: async (name, page) => {
      if (away !== null) throw new StoreError('no connection to Redis at 127.0.0.1:6379')
      return (await find(name)?.decisions(page)) ?? logs[name] ?? []
    },
    decision: async (name, id) =>
      (await find(name)?.decisions({ after: id - 1, limit: 1000 }))?.find((d) => d.id === id) ??
      null,
    lastReload: () => reload,
    ready: () => ({ ready: true, checks: { store: away ?? 'up' } }),
    history: (name) => find(name)?.history() ?? null,
    runningConfig: () => ({ services: statuses().map(({ service }) => service) }),
  })
  const app = createAdminServer(deps, { listen: { host: '127.0.0.1', port: 0 }, tokens })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`,
    now: () => now,
    service: (name) => services.get(name)!,
    advance: async (ms) => {
      for (const service of services.values()) await service.run(ms)
      now += ms
    },
    refuseReload: (problems) => {
      reload = { ...reload, refused: problems === null ? null : { at: now, problems } }
    },
    takeStoreAway: (why) => {
      away = why
    },
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}
