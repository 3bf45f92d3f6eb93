import type { Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'

/**
 * The evidence under other margins of the same questions: what was the largest evidence under another margin says
 * nothing under this one.
 */
export function forgetChangedMargins(
  evidence: Evidence,
  before: readonly Hypothesis[],
  after: readonly Hypothesis[],
): Evidence {
  const marginsOf = (of: readonly Hypothesis[], id: string) => {
    const found = of.find((h) => h.id === id)
    return JSON.stringify([found?.harm, found?.proof])
  }
  const changed = after.filter(({ id }) => marginsOf(before, id) !== marginsOf(after, id))
  if (changed.length === 0) return evidence
  const hypotheses = { ...evidence.hypotheses }
  for (const { id } of changed) {
    hypotheses[id] = { ...hypotheses[id]!, sup: { harm: 0, proof: 0, stepProof: 0 } }
  }
  return { ...evidence, hypotheses }
}
