import type { ReplicaReport } from '../domain/replica.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'

/** What is told of one service's labels. */
export type Labelled = NonNullable<ReplicaReport['labelled']>[number]

/** How many labels have joined requests of a service on this process since it began; null = no metric asks for any. */
export function labelledOn({
  service,
  labels,
}: Pick<ServiceBook, 'service' | 'labels'>): Labelled | null {
  return labels.pulse === null ? null : [service.name, labels.pulse.joined]
}
