import { isMismatched, type Comparison, type ComparisonVerdict } from '../domain/comparison.ts'
import {
  presentEvidence,
  presentMetric,
  type LogEvidenceJson,
  type MetricJson,
} from './present-metric.ts'

/** One challenger of an experiment against the baseline, as the API shows it. */
export type ComparisonJson = {
  readonly variant: string
  readonly verdict: ComparisonVerdict
  /** Here `canary` stands for the challenger. */
  readonly metrics: readonly ComparedMetricJson[]
  readonly units: Comparison['units']
  /** The share that the challenger should have of the two, 0 to 1. */
  readonly expectedShare: number
  readonly ratioMismatch: LogEvidenceJson
  /** Requests are not shared out as drawn: nothing of the comparison can be relied on. */
  readonly mismatched: boolean
  readonly etaSeconds: number | null
}

/** `comparison: null` = it is shown, and not compared. */
export type ComparedMetricJson = MetricJson & {
  readonly comparison: ComparisonVerdict | null
  readonly superiority: LogEvidenceJson | null
}

/** Builds the JSON of one challenger's comparison. */
export function presentComparison(comparison: Comparison): ComparisonJson {
  const { variant, verdict, metrics, units, expectedShare, ratioMismatch, etaSeconds } = comparison
  return {
    ...{ variant, verdict, units, expectedShare, etaSeconds },
    ratioMismatch: presentEvidence(ratioMismatch),
    mismatched: isMismatched(comparison),
    metrics: metrics.map(({ report, verdict: said, superiority }) => ({
      ...presentMetric(report),
      comparison: said,
      superiority: presentEvidence(superiority),
    })),
  }
}
