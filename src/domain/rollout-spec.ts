/** The `rollout` and `analysis` parts of a service's configuration, units resolved and defaults filled in. */
export type RolloutSpec = {
  readonly start: 'auto' | 'manual'
  /** Weight steps rise and the last one is 10,000 bp. */
  readonly steps: readonly StepSpec[]
  readonly maxDurationMs: number
  readonly onInconclusive: 'hold' | 'rollback' | 'promote'
  readonly watchMs: number
  readonly cooldownMs: number
  /** A failed canary attempt is answered by the baseline; it stays the canary's failure. */
  readonly fallback: boolean
  readonly analysis: AnalysisSpec
}

/** One step: a weight that is held until its gates open, or a pause. */
export type StepSpec =
  | {
      readonly kind: 'weight'
      readonly weightBp: number
      readonly minDurationMs: number
      /** Canary units judged in this step before it is left. */
      readonly minRequests: number
    }
  /** `durationMs: null` waits for an operator's `promote`. */
  | { readonly kind: 'pause'; readonly durationMs: number | null }

/** How the evidence is gathered and read. */
export type AnalysisSpec = {
  readonly intervalMs: number
  readonly warmUpMs: number
  readonly alphaRollback: number
  readonly alphaPromote: number
  /** Share of failed attempts that trips the breaker (0.5). */
  readonly breakerFailures: number
  readonly metrics: readonly MetricSpec[]
}

/** What the evaluator does when a metric is shown to be harmed or its limit is broken. */
export type OnFailure = 'rollback' | 'pause' | 'warn'

/** Which direction of a metric is good. */
export type Better = 'lower' | 'higher'

type MetricCommon = {
  readonly name: string
  readonly onFailure: OnFailure
  /** `report` metrics are shown and never decide. */
  readonly mode: 'decide' | 'report'
  readonly better: Better
  /** Largest change for the worse, as a fraction of the baseline's value; null = no relative comparison. */
  readonly maxChange: number | null
  /** Margin of the proof where `maxChange` is 0 (equality can never be proved). */
  readonly sensitivity: number
  /** Absolute limits of the canary, in the metric's unit: shares as fractions, latency in ms; null = none. */
  readonly max: number | null
  readonly min: number | null
  /** The segments that are compared apart, beside the whole; absent = the whole alone. */
  readonly segments?: readonly string[]
}

/** What is waited for after a request, and how much of it a step needs. */
type LabelTerms = { readonly labelWindowMs: number; readonly minLabels: number }

/** Values above it count as it; null = learnt from the baseline's first values. */
type Capped = { readonly cap: number | null }

/** What a metric is computed from. */
export type MetricSource =
  | {
      readonly kind: 'error-rate'
      /** Absolute rise allowed when proving no worse (statistics: δ); it does not soften rollback. */
      readonly floor: number
    }
  | {
      readonly kind: 'latency'
      /** In (0, 1). */
      readonly quantile: number
    }
  /** Of the prediction against its label; the cap is on the absolute error, or on the loss. */
  | ({ readonly kind: 'rmse' | 'mae' | 'log-loss' } & LabelTerms & Capped)
  | ({ readonly kind: 'accuracy' } & LabelTerms)
  | { readonly kind: 'drift'; readonly of: DriftValue }

/** What the drift of is watched: the prediction, or the number at a pointer into the request's body. */
export type DriftValue = 'prediction' | { readonly pointer: string }

/** A metric of a rollout. */
export type MetricSpec = MetricCommon & MetricSource

/** A metric that compares predictions with labels. */
export type LabelMetricSpec = Extract<MetricSpec, { readonly labelWindowMs: number }>

/** The pointers into the request's body whose numbers are watched for drift, each once. */
export function watchedPointers(rollout: RolloutSpec | null): readonly string[] {
  const metrics = rollout?.analysis.metrics ?? []
  const pointers = metrics.flatMap((m) =>
    m.kind === 'drift' && m.of !== 'prediction' ? [m.of.pointer] : [],
  )
  return [...new Set(pointers)]
}

/** Whether a metric needs labels. */
export function isLabelMetric(metric: MetricSpec): metric is LabelMetricSpec {
  return 'labelWindowMs' in metric
}
