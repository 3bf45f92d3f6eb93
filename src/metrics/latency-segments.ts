import { analysisOf, type Service } from '../domain/service.ts'

/** The segments whose latencies are compared apart; none where the service compares none by segment. */
export function latencySegments(service: Service): readonly string[] {
  const metrics = analysisOf(service)?.metrics ?? []
  return [...new Set(metrics.flatMap((m) => (m.kind === 'latency' ? (m.segments ?? []) : [])))]
}
