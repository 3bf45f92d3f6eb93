import type { Service } from '../domain/service.ts'
import type { ServiceRecorder } from '../metrics/recorder.ts'
import { bodyPointers, type BodyPointers } from '../routing/fields.ts'
import type { Split } from '../routing/split.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Budget } from './budget.ts'
import type { Mirror } from './mirror.ts'
import type { VariantTarget } from './variant-target.ts'

/** What is worked out of a service once, and read for each of its requests before they are assigned. */
export type ServiceFront = {
  readonly service: Service
  /** The service's: what the table finds it by. */
  readonly match: Service['match']
  /** What is read from the bodies of its requests. */
  readonly pointers: BodyPointers
  /** Some variant has a path of its own. */
  readonly isRewritten: boolean
}

/** What the data plane needs to serve one service. */
export type ServiceRuntime = ServiceFront & {
  /** Swapped whole when weights change; read once per request. */
  split: Split
  readonly recorder: ServiceRecorder
  /** By variant name. */
  readonly targets: ReadonlyMap<string, VariantTarget>
  /** How many requests at once the baseline may answer in the canary's place. */
  readonly fallbacks: Budget
  /** Who gets copies of its requests; null = nobody. Swapped whole when a mirror step begins or ends. */
  mirrors: readonly Mirror[] | null
}

/** What of it is not worked out of the service itself. */
type RuntimeParts = Omit<ServiceRuntime, keyof ServiceFront>

/** Puts the runtime of a service together. */
export function buildRuntime(service: Service, parts: RuntimeParts): ServiceRuntime {
  // Written out: what a spread gives has a shape of its own each time, slow to read for every request.
  return {
    service,
    match: service.match,
    pointers: bodyPointers(service),
    isRewritten: service.variants.some(({ path }) => path !== null),
    split: parts.split,
    recorder: parts.recorder,
    targets: parts.targets,
    fallbacks: parts.fallbacks,
    mirrors: parts.mirrors,
  }
}

/** One consistent view of the configured services: never changed, only replaced by a reload. */
export type Snapshot = {
  readonly table: RoutingTable<ServiceRuntime>
  /** By service name. */
  readonly runtimes: ReadonlyMap<string, ServiceRuntime>
}
