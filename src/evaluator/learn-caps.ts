import type { Evidence } from '../domain/evidence.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'

/** The evidence with the caps that have been learnt since; each is frozen for the attempt. */
export function learnCaps(
  evidence: Evidence,
  metrics: readonly MetricSpec[],
  ledger: CohortLedger,
): Evidence {
  let { caps } = evidence
  for (const metric of metrics) {
    if (!('cap' in metric) || metric.cap !== null || caps[metric.name] !== undefined) continue
    const cap = ledger.takeLearntCap(metric.name, 'minLabels' in metric ? metric.minLabels : 0)
    if (cap !== null) caps = { ...caps, [metric.name]: cap }
  }
  return caps === evidence.caps ? evidence : { ...evidence, caps }
}
