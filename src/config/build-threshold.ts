import type { MetricSpec, ThresholdSpec } from '../domain/rollout-spec.ts'
import { parseDuration } from '../domain/units.ts'
import { DEFAULTS } from './defaults.ts'
import type { RawMetric } from './schema-metric.ts'

/** The part of a metric that `method: threshold` adds; nothing with the sequential method. */
export function buildThreshold(raw: RawMetric): Pick<MetricSpec, 'threshold'> {
  if (raw.method !== 'threshold') return {}
  const { threshold, measureInterval } = DEFAULTS
  const failureLimit = raw.failureLimit ?? threshold.failureLimit
  const built: ThresholdSpec = {
    intervalMs: parseDuration(raw.interval ?? measureInterval)!,
    count: raw.count ?? null,
    failureLimit: failureLimit === -1 ? null : failureLimit,
    inconclusiveLimit: raw.inconclusiveLimit ?? threshold.inconclusiveLimit,
    consecutiveErrorLimit: raw.consecutiveErrorLimit ?? threshold.consecutiveErrorLimit,
    consecutiveSuccessLimit: raw.consecutiveSuccessLimit ?? null,
  }
  return { threshold: built }
}
