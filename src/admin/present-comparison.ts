import { isMismatched, type Comparison } from '../domain/comparison.ts'
import { presentEvidence, presentMetric } from './present-metric.ts'
import type { ComparedMetricSchema, ComparisonSchema } from './schema-comparison.ts'
import type { Json } from './schema-value.ts'

/** One challenger of an experiment against the baseline, as the API shows it. */
export type ComparisonJson = Json<typeof ComparisonSchema>

/** `comparison: null` = it is shown, and not compared. */
export type ComparedMetricJson = Json<typeof ComparedMetricSchema>

/** Builds the JSON of one challenger's comparison. */
export function presentComparison(comparison: Comparison): ComparisonJson {
  const { variant, verdict, metrics, units, expectedShare, ratioMismatch, etaSeconds } = comparison
  return {
    ...{ variant, verdict, units, expectedShare, etaSeconds },
    ratioMismatch: presentEvidence(ratioMismatch),
    mismatched: isMismatched(comparison),
    metrics: metrics.map(({ report, verdict: said, superiority, missing, differs }) => ({
      ...presentMetric(report),
      comparison: said,
      superiority: presentEvidence(superiority),
      missing: missing ?? null,
      differs: differs ?? null,
    })),
  }
}
