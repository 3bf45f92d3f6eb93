/** The `rollout` and `analysis` parts of a service's configuration, units resolved and defaults filled in. */
export type RolloutSpec = {
  /** `blue-green`: pauses at 0 %, then everybody at once. */
  readonly strategy: Strategy
  readonly start: 'auto' | 'manual'
  /** Weight steps rise and the last one is 10,000 bp; of blue-green it is the only one. */
  readonly steps: readonly StepSpec[]
  readonly maxDurationMs: number
  readonly onInconclusive: 'hold' | 'rollback' | 'promote'
  readonly watchMs: number
  /** Basis points that stay on the baseline during the watch, so that the comparison goes on. */
  readonly holdbackBp: number
  readonly cooldownMs: number
  /** A failed canary attempt is answered by the baseline; it stays the canary's failure. */
  readonly fallback: boolean
  readonly analysis: AnalysisSpec
}

/** How a canary comes to 100 %. */
export type Strategy = 'canary' | 'blue-green'

/** One step: a weight that is held until its gates open, a mirror of the canary, or a pause. */
export type StepSpec =
  | MirrorStepSpec
  | {
      readonly kind: 'weight'
      readonly weightBp: number
      readonly minDurationMs: number
      /** Canary units judged in this step before it is left. */
      readonly minRequests: number
    }
  /** `durationMs: null` waits for an operator's `promote`. */
  | { readonly kind: 'pause'; readonly durationMs: number | null }

/** The canary answers copies, and nobody sees its answers: they are compared in pairs. Before every weight. */
export type MirrorStepSpec = {
  readonly kind: 'mirror'
  /** Share of the requests that are copied, in (0, 1]. */
  readonly share: number
  readonly minDurationMs: number
  /** Pairs judged in this step before it is left. */
  readonly minRequests: number
  /** As of a standing mirror. */
  readonly maxBytes: number
  readonly tolerance: number
}

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
  /** Judged by measurements that are counted instead of by evidence; absent = the sequential method. */
  readonly threshold?: ThresholdSpec
}

/** How the measurements of `method: threshold` are taken and counted; words and defaults are Argo Rollouts'. */
export type ThresholdSpec = {
  readonly intervalMs: number
  /** Measurements that end a step's run, errors not among them; null = as long as the step lasts. */
  readonly count: number | null
  /** Failed measurements of a step that are allowed; null = any number. */
  readonly failureLimit: number | null
  readonly inconclusiveLimit: number
  readonly consecutiveErrorLimit: number
  /** Successful measurements in a row that end a step's run; null = none do. */
  readonly consecutiveSuccessLimit: number | null
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
  | ({ readonly kind: 'latency' } & LatencyQuantile)
  /** Of the prediction against its label; the cap is on the absolute error, or on the loss. */
  | ({ readonly kind: 'rmse' | 'mae' | 'log-loss' } & LabelTerms & Capped)
  | ({ readonly kind: 'accuracy' } & LabelTerms)
  | ConversionMetric
  | SumMetric
  | MeanMetric
  | RatioMetric
  | { readonly kind: 'drift'; readonly of: DriftValue }
  /** Share of the mirrored requests whose two answers disagree; `max` is its limit. */
  | { readonly kind: 'disagreement' }
  | ProviderSource

/** Which quantile of the times from the arrival of a request, and until when each of them goes. */
export type LatencyQuantile = {
  /** In (0, 1). */
  readonly quantile: number
  /** Until the first byte of the answer's body, see `firstByteMs`; absent = until its last. */
  readonly until?: 'first-byte'
}

/** Share of the units that had the event in their window, once each. */
export type ConversionMetric = {
  readonly kind: 'conversion'
  readonly event: string
  readonly windowMs: number
  /** Absolute rise allowed when proving no worse; 0 where higher is better. */
  readonly floor: number
}

/** A unit's total over its distinct events in the window; 0 for units without one. */
export type SumMetric = Capped & {
  readonly kind: 'sum'
  readonly event: string
  /** Null = the event's own `value`. */
  readonly field: string | null
  readonly windowMs: number
}

/** The mean of one number per unit, of those that have it. */
export type MeanMetric = Capped & {
  readonly kind: 'mean'
  readonly from: ValuePlace
  /** 0: of a number in the answer, which is judged when the cohort has settled. */
  readonly windowMs: number
  /** Numbers of the canary before a step is left. */
  readonly minLabels: number
}

/** Where a unit's number stands: in its answer, or in the first event of a name. */
export type ValuePlace =
  | { readonly in: 'answer'; readonly pointer: string }
  | { readonly in: 'event'; readonly event: string; readonly field: string | null }

/** Events of one kind per event of another, over all units. */
export type RatioMetric = {
  readonly kind: 'ratio'
  readonly numerator: string
  readonly denominator: string
  /** Most events of each kind that one unit counts. */
  readonly cap: number
  readonly windowMs: number
}

/** What the drift of is watched: the prediction, or the number at a pointer into the request's body. */
export type DriftValue = 'prediction' | { readonly pointer: string }

/**
 * A number that another system is asked for. In `url` and `query` `{{version}}` and `{{variant}}` stand
 * for those of the variant that is asked about.
 */
export type ProviderSource =
  | ({
      readonly kind: 'prometheus'
      /** PromQL whose result is one number. */
      readonly query: string
    } & ProviderTerms)
  | ({
      readonly kind: 'http'
      /** JSON pointer to the number in the answer; null = the answer is the number. */
      readonly pointer: string | null
    } & ProviderTerms)

type ProviderTerms = {
  readonly url: string
  /** Sent as bearer token; null = none. */
  readonly secret: string | null
  /** Fields that are sent, each of which may be a secret; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly intervalMs: number
}

/** A metric of a rollout. */
export type MetricSpec = MetricCommon & MetricSource

/** A metric that compares predictions with labels. */
export type LabelMetricSpec = Extract<MetricSpec, { readonly labelWindowMs: number }>

/** A metric of what a unit's answer or its later events say. */
export type ValueMetricSpec = Extract<MetricSpec, { readonly windowMs: number }>

/** The pointers into the request's body whose numbers are watched for drift, each once. */
export function watchedPointers(analysis: AnalysisSpec | null): readonly string[] {
  const metrics = analysis?.metrics ?? []
  const pointers = metrics.flatMap((m) =>
    m.kind === 'drift' && m.of !== 'prediction' ? [m.of.pointer] : [],
  )
  return [...new Set(pointers)]
}

/** Whether a metric asks for the time until the first byte of a body. */
export function asksFirstBytes(metrics: readonly MetricSpec[]): boolean {
  return metrics.some((metric) => metric.kind === 'latency' && metric.until === 'first-byte')
}

/** Whether a metric needs labels. */
export function isLabelMetric(metric: MetricSpec): metric is LabelMetricSpec {
  return 'labelWindowMs' in metric
}

/** Whether a metric is of a number that stands in the answer. */
export function readsAnswer(metric: MetricSpec): metric is Extract<MetricSpec, MeanMetric> & {
  readonly from: Extract<ValuePlace, { in: 'answer' }>
} {
  return metric.kind === 'mean' && metric.from.in === 'answer'
}

/** Whether a metric reads answers or events. */
export function isValueMetric(metric: MetricSpec): metric is ValueMetricSpec {
  return 'windowMs' in metric
}

/** A metric whose values come after the outcome of their request: labels, answers or events. */
export type WaitingMetricSpec = LabelMetricSpec | ValueMetricSpec

/** Whether a metric's values come after the outcome of their request. */
export function isWaitingMetric(metric: MetricSpec): metric is WaitingMetricSpec {
  return isLabelMetric(metric) || isValueMetric(metric)
}

/** A metric that another system is asked for. */
export type ProviderMetricSpec = Extract<MetricSpec, ProviderSource>

/** Whether another system is asked for a metric. */
export function isProviderMetric(metric: MetricSpec): metric is ProviderMetricSpec {
  return metric.kind === 'prometheus' || metric.kind === 'http'
}
