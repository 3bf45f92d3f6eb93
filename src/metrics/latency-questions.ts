import { analysisOf, type Service } from '../domain/service.ts'

/** What is asked of latencies that end alike, beside how they are distributed. */
export type TimeQuestions = {
  /** Segments whose latencies are compared apart. */
  readonly segments: readonly string[]
  /** In ms: how many are above each of these is counted by place of their keys. */
  readonly limitsMs: readonly number[]
}

/** What is asked of the latencies of a service, by when they end. */
export type LatencyQuestions = {
  readonly lastByte: TimeQuestions
  /** Null: no metric asks for the time until the first byte of a body, and it is not taken. */
  readonly firstByte: TimeQuestions | null
}

/** Where nobody asks. */
export const NO_QUESTIONS: LatencyQuestions = {
  lastByte: { segments: [], limitsMs: [] },
  firstByte: null,
}

/** What the latency metrics of a service ask. */
export function latencyQuestions(service: Service): LatencyQuestions {
  const latencies = (analysisOf(service)?.metrics ?? []).filter((m) => m.kind === 'latency')
  const of = (until: 'first-byte' | undefined): TimeQuestions | null => {
    const asked = latencies.filter((m) => m.until === until)
    if (asked.length === 0) return null
    return {
      segments: [...new Set(asked.flatMap((m) => m.segments ?? []))],
      limitsMs: [...new Set(asked.flatMap(({ max }) => max ?? []))],
    }
  }
  return { lastByte: of(undefined) ?? NO_QUESTIONS.lastByte, firstByte: of('first-byte') }
}
