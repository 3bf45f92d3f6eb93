import { analysisOf, type Service } from '../domain/service.ts'

/** What is asked of the latencies of a service beside how they are distributed. */
export type LatencyQuestions = {
  /** Segments whose latencies are compared apart. */
  readonly segments: readonly string[]
  /** In ms: how many are above each of these is counted by place of their keys. */
  readonly limitsMs: readonly number[]
}

/** What the latency metrics of a service ask; nothing where it has none. */
export function latencyQuestions(service: Service): LatencyQuestions {
  const metrics = (analysisOf(service)?.metrics ?? []).filter((m) => m.kind === 'latency')
  const limits = metrics.flatMap(({ max }) => max ?? [])
  return {
    segments: [...new Set(metrics.flatMap((m) => m.segments ?? []))],
    limitsMs: [...new Set(limits)],
  }
}
