import type { ExperimentView } from '../rollout/experiment-view.ts'
import type { RolloutView } from '../rollout/view.ts'
import type { ServiceBook } from './service-recorder.ts'

/** One service as a scrape reads it. */
export type ServiceReading = {
  readonly book: ServiceBook
  readonly weightsBp: Readonly<Record<string, number>>
  readonly view: RolloutView | null
  /** Null: the service has no fixed split. */
  readonly experiment: ExperimentView | null
  /** By variant, then by upstream. */
  readonly upstreams: readonly {
    readonly variant: string
    readonly upstream: string
    readonly healthy: boolean
  }[]
}

/** All services, as they are at the moment of the question. */
export type ReadServices = () => Iterable<ServiceReading>
