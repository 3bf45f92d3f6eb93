import type { DriftEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { DriftReport, MetricReport, MetricValue } from '../domain/verdict.ts'
import { DRIFT_PSI, driftEffect, driftLogEvidence, type DriftEffect } from '../statistics/drift.ts'

/**
 * The report on a drift hypothesis: `failed` (flagged) where the evidence for a shift reaches its threshold
 * and the shift is large enough now, bias-corrected PSI ≥ 0.1; else `inconclusive`, since that nothing has
 * shifted is never proved. `step`: the step that the rollout is in.
 */
export function driftReport(
  evidence: Evidence,
  hypothesis: Hypothesis,
  step: number,
): MetricReport {
  const { id, segment, onFailure, better } = hypothesis
  const found = evidence.hypotheses[id] as DriftEvidence
  const harm = { log: found.sup.harm, threshold: Math.log(1 / hypothesis.harm.alpha) }
  let read: { readonly drift: DriftReport | null } | null = null
  const drift = () => (read ??= { drift: readDrift(evidence, id, found) }).drift
  const isFlagged = harm.log >= harm.threshold && (drift()?.psi ?? 0) >= DRIFT_PSI
  return {
    name: id,
    ...(segment === undefined ? undefined : { segment }),
    kind: 'drift',
    verdict: isFlagged ? 'failed' : 'inconclusive',
    required: onFailure !== 'warn',
    onFailure,
    better,
    margins: null,
    cap: null,
    baseline: countOf(found, 'baseline'),
    canary: countOf(found, 'canary'),
    ratio: null,
    evidence: { harm, nonInferiority: null, stepNonInferiority: null, stepHarm: null },
    limit: null,
    threshold: null,
    error: null,
    outsideAlpha: false,
    stepCanaryN: found.step === step ? found.stepCanary : 0,
    etaSeconds: null,
    // Reading it walks over all bins of all start points; most evaluations are never looked at.
    get drift() {
      return drift()
    },
  }
}

// Counted from the start point that tells most: a late shift would be thin beside a long time before it. Since the newest
// one there may be nothing yet, which says more than what speaks against a shift, and has no size.
function readDrift(evidence: Evidence, id: string, found: DriftEvidence): DriftReport | null {
  const edges = evidence.bins?.[id]
  if (edges === undefined) return null
  let most: { readonly effect: DriftEffect; readonly log: number } | null = null
  for (const strata of found.starts) {
    const log = driftLogEvidence(strata)
    if (most !== null && log <= most.log) continue
    const effect = driftEffect(strata, edges)
    if (effect !== null) most = { effect, log }
  }
  if (most === null) return null
  // Less its bias it is 0 on average where nothing has shifted, and so below as often: no distance is.
  return { ...most.effect, psi: Math.max(0, most.effect.psi), edges, minPsi: DRIFT_PSI }
}

function countOf({ starts }: DriftEvidence, side: 'baseline' | 'canary'): MetricValue {
  const n = starts[0]!.reduce((sum, s) => sum + s[side].reduce((all, count) => all + count, 0), 0)
  return { value: null, n }
}
