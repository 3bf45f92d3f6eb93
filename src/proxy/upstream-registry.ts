import type { Service } from '../domain/service.ts'
import type { Variant } from '../domain/variant.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import { Budget } from './budget.ts'
import { Connections } from './connections.ts'
import type { KnownNames } from './known-names.ts'
import { Shared } from './shared.ts'
import { Tenancy } from './tenancy.ts'
import { readUpstreamTls } from './upstream-tls.ts'
import { Upstream } from './upstream.ts'
import type { VariantTarget } from './variant-target.ts'

/** The targets of one configuration. */
export type Targets = {
  /** By service name, then by variant name. */
  readonly byService: ReadonlyMap<string, ReadonlyMap<string, VariantTarget>>
  /** Opens those of one service more, and returns them by variant name. Throws as `open` does. */
  readonly add: (service: Service) => ReadonlyMap<string, VariantTarget>
  /** The configuration is in force: its limits hold at doors that were there before. */
  readonly adopt: () => void
  /**
   * The configuration is replaced. What no other one uses ends with the last request that was given to
   * it; to be called once.
   */
  readonly release: () => void
}

/** All upstreams, and the connections to them. */
export type UpstreamRegistry = {
  /** Throws a sentence when a certificate cannot be read. */
  readonly open: (services: readonly Service[]) => Targets
  /** Those of every configuration that is in use. */
  readonly upstreams: () => readonly Upstream[]
  /** Theirs. */
  readonly connections: () => readonly Connections[]
  /** Breaks off what is running; resolves when all connections are closed. */
  readonly destroy: () => Promise<void>
}

/**
 * Opens (lazily) one pool per origin and way to reach it. What two configurations have in common goes on
 * through a reload: connections, what is known of an upstream's health, and who is in at a variant's door.
 * Their names lead where `names` say. `log` hears of pools that do not close as they should.
 */
export function createUpstreamRegistry(
  names: KnownNames,
  log: { readonly error: (fields: object, message: string) => void },
): UpstreamRegistry {
  const onError = (error: unknown) => log.error({ err: error }, 'old connections did not close')
  const ending = new Set<Connections>()
  const connections = new Shared<Connections>((old) => {
    ending.add(old)
    void old.close().then(() => ending.delete(old))
  })
  const upstreams = new Shared<Upstream>(() => {})
  const admissions = new Shared<Admission>(() => {})

  function open(services: readonly Service[]): Targets {
    const taken: (() => void)[] = []
    const adopting: (() => void)[] = []
    const take = <T>(from: Shared<T>, key: string, make: () => T): T => {
      const value = from.take(key, make)
      taken.push(() => from.release(key))
      return value
    }
    const tenancy = new Tenancy(() => {
      for (const release of taken) release()
    })
    const buildTarget = (service: Service, variant: Variant): VariantTarget => {
      const place = `${service.name} ${variant.name}`
      const { connectMs, keepAliveMs } = variant.timeout
      const { health, eject, slowStartMs } = variant
      const spec = { service: service.name, variant: variant.name, health, eject, slowStartMs }
      const tls = readUpstreamTls(variant.tls)
      const limits = limitsOf(variant)
      const admission = take(admissions, place, () => new Admission(limits))
      adopting.push(() => admission.limit(limits))
      return {
        variant,
        matchPath: service.match.path,
        upstreams: variant.upstreams.map((origin) => {
          const way = { origin, connectMs, keepAliveMs, tls }
          const to = take(
            connections,
            JSON.stringify(way),
            () => new Connections(way, names, onError),
          )
          const known = JSON.stringify([way, spec])
          return take(upstreams, known, () => new Upstream(to, spec))
        }),
        tenancy,
        admission,
        retries: new Budget(),
      }
    }
    const byService = new Map<string, ReadonlyMap<string, VariantTarget>>()
    const add = (service: Service) => {
      const byVariant = new Map(service.variants.map((v) => [v.name, buildTarget(service, v)]))
      byService.set(service.name, byVariant)
      return byVariant
    }
    try {
      services.forEach(add)
      return {
        byService,
        add,
        adopt: () => {
          for (const adopt of adopting) adopt()
        },
        release: () => tenancy.release(),
      }
    } catch (error) {
      tenancy.release()
      throw error
    }
  }

  return {
    open,
    upstreams: upstreams.values,
    connections: connections.values,
    destroy: async () => {
      await Promise.all([...connections.values(), ...ending].map((each) => each.destroy()))
    },
  }
}

function limitsOf({ maxInFlight, queue }: Variant): AdmissionLimits {
  return { maxInFlight, maxWaiting: queue?.max ?? 0 }
}
