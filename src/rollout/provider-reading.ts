import type { Answer, ProviderReading } from '../domain/measurement.ts'
import type { ProviderMetricSpec } from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { formatTimeSpan } from './format.ts'

/** Intervals after which an answer says nothing about now. */
const STALE_INTERVALS = 3

const NO_VALUE: MetricValue = { value: null, n: 0 }

/**
 * What another system's last answer says about both sides. Nothing asked yet is no value, and no error
 * either; an answer that is older than three intervals is an error, like one that is no number.
 */
export function readProvider(
  metric: ProviderMetricSpec,
  reading: ProviderReading | null,
  now: number,
): { readonly baseline: MetricValue; readonly canary: MetricValue; readonly error: string | null } {
  if (reading === null) return { baseline: NO_VALUE, canary: NO_VALUE, error: null }
  const age = now - reading.at
  const stale =
    age > STALE_INTERVALS * metric.intervalMs
      ? `the last answer is ${formatTimeSpan(age)} old`
      : null
  const error = errorOf('canary', reading.canary) ?? errorOf('baseline', reading.baseline) ?? stale
  // Half an answer compares nothing.
  if (error !== null) return { baseline: NO_VALUE, canary: NO_VALUE, error }
  return { baseline: valueOf(reading.baseline), canary: valueOf(reading.canary), error: null }
}

function errorOf(side: string, answer: Answer | null): string | null {
  return answer !== null && 'error' in answer ? `${side}: ${answer.error}` : null
}

function valueOf(answer: Answer | null): MetricValue {
  return answer !== null && 'value' in answer ? { value: answer.value, n: 1 } : NO_VALUE
}
