import type { Hypothesis, Score } from '../domain/hypothesis.ts'

/** What is asked of requests, of all of them or of those of one segment: ids of hypotheses by their source. */
export type Questions = {
  readonly failures: readonly string[]
  readonly noAnswers: readonly string[]
  readonly latencies: readonly string[]
  readonly labels: readonly LabelQuestions[]
}

/** What is asked of the labels for one metric. */
export type LabelQuestions = {
  readonly metric: string
  readonly score: Score
  /** The score itself, its share above the cap, and the labels that are missing. */
  readonly hypotheses: readonly Hypothesis[]
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
  return {
    failures: ids('failure'),
    noAnswers: ids('no-answer'),
    latencies: ids('latency'),
    labels: hypotheses.flatMap(({ source, metric }, index) =>
      // A metric may ask about its score twice: is it no worse, is it better.
      source.of !== 'score' || index !== hypotheses.findIndex((h) => isScoreOf(h, metric))
        ? []
        : [
            {
              metric: metric!,
              score: source.score,
              hypotheses: hypotheses.filter((h) => h.metric === metric),
            },
          ],
    ),
  }
}

function isScoreOf({ source, metric }: Hypothesis, of: string | null): boolean {
  return source.of === 'score' && metric === of
}
