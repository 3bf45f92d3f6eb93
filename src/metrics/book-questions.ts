import { analysisOf, type Service } from '../domain/service.ts'

/** What is asked of latencies that end alike, beside how they are distributed. */
export type TimeQuestions = {
  /** Segments whose latencies are compared apart. */
  readonly segments: readonly string[]
  /** In ms: how many are above each of these is counted by place of their keys. */
  readonly limitsMs: readonly number[]
}

/** What the metrics of a service ask of its books: of latencies, by when they end, and of failures. */
export type BookQuestions = {
  /** Whether failures are counted by place of their keys. */
  readonly failuresByKey: boolean
  readonly lastByte: TimeQuestions
  /** Null: no metric asks for the time until the first byte of a body, and it is not taken. */
  readonly firstByte: TimeQuestions | null
}

/** Where nobody asks. */
export const NO_QUESTIONS: BookQuestions = {
  failuresByKey: false,
  lastByte: { segments: [], limitsMs: [] },
  firstByte: null,
}

/** What the metrics of a service ask. */
export function bookQuestions(service: Service): BookQuestions {
  const metrics = analysisOf(service)?.metrics ?? []
  const latencies = metrics.filter((m) => m.kind === 'latency')
  const of = (until: 'first-byte' | undefined): TimeQuestions | null => {
    const asked = latencies.filter((m) => m.until === until)
    if (asked.length === 0) return null
    return {
      segments: [...new Set(asked.flatMap((m) => m.segments ?? []))],
      limitsMs: [...new Set(asked.flatMap(({ max }) => max ?? []))],
    }
  }
  return {
    failuresByKey: metrics.some((m) => m.kind === 'error-rate' && m.max !== null),
    lastByte: of(undefined) ?? NO_QUESTIONS.lastByte,
    firstByte: of('first-byte'),
  }
}
