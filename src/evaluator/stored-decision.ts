import type { Decision, DecisionDraft } from '../domain/decision.ts'

/** A write that had no answer: it may be stored all the same. `decision`: the one that it was to store; null = none. */
export type Unanswered = { readonly decision: DecisionDraft | null }

/** The newest decision of the log where it is that of such a write, so that nobody has told of it; null = it is not. */
export function storedDecision(
  unanswered: Unanswered | null,
  newest: Decision | null,
): Decision | null {
  const draft = unanswered?.decision ?? null
  if (draft === null || newest === null) return null
  const { at, rollout, summary } = draft
  const isIt = newest.at === at && newest.rollout === rollout && newest.summary === summary
  return isIt ? newest : null
}
