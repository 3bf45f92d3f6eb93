import { analysisOf, type Service } from '../domain/service.ts'

/** The segments of a service whose latencies are compared apart. */
export function latencySegments(service: Service): readonly string[] {
  const metrics = analysisOf(service)?.metrics ?? []
  return [...new Set(metrics.flatMap((m) => (m.kind === 'latency' ? (m.segments ?? []) : [])))]
}
