import type { MetricJson, ThresholdJson } from '../admin/present-metric.ts'
import { describeThreshold } from '../rollout/describe-threshold.ts'
import { formatCount, formatTimeSpan } from '../rollout/format.ts'

/** Writes what the measurements of `method: threshold` have added up to, as sentences. */
export function explainThreshold(
  { kind, better }: MetricJson,
  threshold: ThresholdJson,
): readonly string[] {
  const { counts, terms, over } = threshold
  const allowed = describeThreshold(kind, better, threshold)
  const limits = [
    `failureLimit ${terms.failureLimit ?? -1}`,
    `inconclusiveLimit ${terms.inconclusiveLimit}`,
    `consecutiveErrorLimit ${terms.consecutiveErrorLimit}`,
    ...(terms.consecutiveSuccessLimit === null
      ? []
      : [`consecutiveSuccessLimit ${terms.consecutiveSuccessLimit}`]),
    ...(terms.count === null ? [] : [`count ${terms.count}`]),
  ]
  const verdicts = (['successful', 'failed', 'inconclusive', 'error'] as const)
    .map((verdict) => `${formatCount(counts[verdict])} ${verdict}`)
    .join(', ')
  return [
    `Each measurement, every ${formatTimeSpan(terms.intervalSeconds * 1000)}, may show ${allowed}.`,
    `Measurements of this step: ${verdicts} (${limits.join(', ')}).${over ? ' No more are taken.' : ''}`,
  ]
}
