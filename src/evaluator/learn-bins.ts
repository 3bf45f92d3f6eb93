import type { Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'

/** The evidence with the bins that have been learnt since; each is frozen for the attempt. */
export function learnBins(
  evidence: Evidence,
  hypotheses: readonly Hypothesis[],
  ledger: CohortLedger,
): Evidence {
  let { bins } = evidence
  for (const { id, source } of hypotheses) {
    if (source.of !== 'drift' || bins?.[id] !== undefined) continue
    const edges = ledger.takeLearntEdges(id)
    if (edges !== null) bins = { ...bins, [id]: edges }
  }
  return bins === undefined ? evidence : { ...evidence, bins }
}
