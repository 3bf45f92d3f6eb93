import type { ProviderReading } from '../domain/measurement.ts'
import {
  isProviderMetric,
  type MetricSpec,
  type ProviderMetricSpec,
} from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { isBeyond } from './compare.ts'
import { effectOf } from './hypotheses.ts'
import { isLimited, type LimitReading } from './limits.ts'
import { readProvider } from './provider-reading.ts'

/**
 * Reads every metric with an absolute limit that another system is asked for. `readings` by metric name:
 * what was said last in the current step. `tooFew`: nothing yet. Outside α.
 */
export function readProviderLimits(
  metrics: readonly MetricSpec[],
  readings: ReadonlyMap<string, ProviderReading>,
  now: number,
): readonly LimitReading[] {
  return metrics.flatMap((metric) =>
    isProviderMetric(metric) && isLimited(metric)
      ? [readLimit(metric, readings.get(metric.name) ?? null, now)]
      : [],
  )
}

function readLimit(
  metric: ProviderMetricSpec,
  reading: ProviderReading | null,
  now: number,
): LimitReading {
  const { name, kind, better, max, min } = metric
  const { baseline, canary, error } = readProvider(metric, reading, now)
  const isOut = ({ value }: MetricValue) => value !== null && isBeyond(metric, value)
  return {
    ...{ metric: name, kind, onFailure: effectOf(metric), better, max, min, baseline, canary },
    canaryBeyond: isOut(canary),
    byChance: false,
    baselineBeyond: isOut(baseline) && isOut(canary),
    tooFew: canary.value === null,
    error,
  }
}
