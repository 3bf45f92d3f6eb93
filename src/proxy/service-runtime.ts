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

/** Works that out. */
export function buildFront(service: Service): ServiceFront {
  const { match, variants } = service
  const isRewritten = variants.some(({ path }) => path !== null)
  return { service, match, pointers: bodyPointers(service), isRewritten }
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

/** One consistent view of the configured services: never changed, only replaced by a reload. */
export type Snapshot = {
  readonly table: RoutingTable<ServiceRuntime>
  /** By service name. */
  readonly runtimes: ReadonlyMap<string, ServiceRuntime>
}
