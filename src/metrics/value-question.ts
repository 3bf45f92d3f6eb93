import type { Hypothesis } from '../domain/hypothesis.ts'

/** What one metric asks of a unit's value, of all units or of those of one segment. */
export type ValueQuestion = {
  readonly metric: string
  /** Undefined = all units. */
  readonly segment: string | undefined
  /** The value itself, its share above the cap, and the values that are missing. */
  readonly hypotheses: readonly Hypothesis[]
}

/** The questions about values that `details` knows, with those details; it says null of all others. */
export function valueQuestions<D extends object>(
  hypotheses: readonly Hypothesis[],
  details: (hypothesis: Hypothesis) => D | null,
): readonly (ValueQuestion & D)[] {
  return hypotheses.flatMap((hypothesis) => {
    const found = details(hypothesis)
    if (found === null) return []
    const { segment } = hypothesis
    const metric = hypothesis.metric!
    const all = hypotheses.filter((h) => h.metric === metric && h.segment === segment)
    return [{ ...found, metric, segment, hypotheses: all }]
  })
}

/** Whether a question is about the requests of a segment (null = of none). */
export function isAskedOf({ segment }: ValueQuestion, of: string | null): boolean {
  return segment === undefined || segment === of
}
