import type { MeasurementCounts, MetricValue, Verdict } from './verdict.ts'

/** One comparison of a metric's figures with its threshold: the canary's, and the baseline's beside them. */
export type Measurement = {
  readonly at: number
  readonly verdict: Verdict
  readonly baseline: MetricValue
  readonly canary: MetricValue
  /** Why there are no figures, without secrets; null = there are. */
  readonly error: string | null
}

/** The measurements of one metric in one step. Plain data, stored with the evidence. */
export type MeasurementRun = MeasurementCounts & {
  /** When the step was entered that it belongs to: with another one a run begins anew. */
  readonly since: number
  readonly last: Measurement
}

/** What another system said when it was asked for a metric. */
export type ProviderReading = {
  /** When it was asked. */
  readonly at: number
  readonly canary: Answer
  /** Null = not asked about: the question is the same for both, or the baseline has no traffic. */
  readonly baseline: Answer | null
}

/** A number, or why there is none, without secrets. */
export type Answer = { readonly value: number } | { readonly error: string }
