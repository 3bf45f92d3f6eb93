import { analysisOf, type Service } from '../domain/service.ts'

/** Of which segments latencies are compared apart, by when they end. */
export type LatencySegments = {
  readonly lastByte: readonly string[]
  /** Null: no metric asks for the time until the first byte of a body, and it is not taken. */
  readonly firstByte: readonly string[] | null
}

/** The latencies that are kept of a service, as its metrics ask for them. */
export function latencySegments(service: Service): LatencySegments {
  const latencies = (analysisOf(service)?.metrics ?? []).filter((m) => m.kind === 'latency')
  const of = (until: 'first-byte' | undefined) => {
    const asked = latencies.filter((m) => m.until === until)
    return asked.length === 0 ? null : [...new Set(asked.flatMap((m) => m.segments ?? []))]
  }
  return { lastByte: of(undefined) ?? [], firstByte: of('first-byte') }
}
