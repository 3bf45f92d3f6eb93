import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import { wholeId, type Hypothesis } from '../domain/hypothesis.ts'

/**
 * Judged units of a hypothesis' segment among those of the same question about all requests; 1 for the
 * whole itself, null where nothing is judged yet.
 */
export function segmentShare(hypothesis: Hypothesis, evidence: Evidence): number | null {
  if (hypothesis.segment === undefined) return 1
  const ofAll = unitsOf(evidence, wholeId(hypothesis))
  return ofAll === 0 ? null : unitsOf(evidence, hypothesis.id) / ofAll
}

function unitsOf({ hypotheses }: Evidence, id: string): number {
  const found = hypotheses[id] as EventEvidence | BetEvidence
  const strata = found.kind === 'event' ? [found.trials] : found.strata.map(({ n }) => n)
  return strata.reduce((sum, [baseline, canary]) => sum + baseline + canary, 0)
}
