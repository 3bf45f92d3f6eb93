import type { Hypothesis, LatencySource } from '../domain/hypothesis.ts'

/** What is asked of the outcomes of requests, of all of them or of those of one segment: ids of hypotheses by their source. */
export type Questions = {
  readonly failures: readonly string[]
  readonly noAnswers: readonly string[]
  readonly clientErrors: readonly string[]
  /** Until the last byte of the answer. */
  readonly latencies: readonly string[]
  /** Until the first one of its body. */
  readonly firstBytes: readonly string[]
}

/** The questions about all requests. */
export function wholeQuestions(hypotheses: readonly Hypothesis[]): Questions {
  return questionsOf(hypotheses.filter((h) => h.segment === undefined))
}

/** The questions about the requests of one segment, by its name. */
export function segmentQuestions(
  hypotheses: readonly Hypothesis[],
): ReadonlyMap<string, Questions> {
  const segments = new Set(hypotheses.flatMap((h) => h.segment ?? []))
  return new Map(
    [...segments].map((name) => [name, questionsOf(hypotheses.filter((h) => h.segment === name))]),
  )
}

function questionsOf(hypotheses: readonly Hypothesis[]): Questions {
  const ids = (of: Hypothesis['source']['of']) =>
    hypotheses.filter((h) => h.source.of === of).map((h) => h.id)
  const latencies = (until: LatencySource['until']) =>
    hypotheses
      .filter(({ source }) => source.of === 'latency' && source.until === until)
      .map((h) => h.id)
  return {
    failures: ids('failure'),
    noAnswers: ids('no-answer'),
    clientErrors: ids('client-error'),
    latencies: latencies(undefined),
    firstBytes: latencies('first-byte'),
  }
}
