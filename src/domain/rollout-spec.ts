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

type MetricCommon = {
  readonly name: string
  readonly onFailure: OnFailure
  /** `report` metrics are shown and never decide. */
  readonly mode: 'decide' | 'report'
}

/** A metric of a rollout. `maxIncrease: null` = no relative comparison; margins are fractions of 1. */
export type MetricSpec = MetricCommon &
  (
    | {
        readonly kind: 'error-rate'
        readonly maxIncrease: number | null
        /** Margin of the proof where `maxIncrease` is 0 (equality can never be proved). */
        readonly sensitivity: number
        /** Absolute rise allowed when proving no worse (statistics: δ); it does not soften rollback. */
        readonly floor: number
        /** Absolute limit of the canary's failure rate. */
        readonly max: number | null
      }
    | {
        readonly kind: 'latency'
        /** In (0, 1). */
        readonly quantile: number
        readonly maxIncrease: number | null
        readonly sensitivity: number
        /** Absolute limit of the canary's quantile, in milliseconds. */
        readonly maxMs: number | null
      }
    | {
        readonly kind: 'rmse'
        readonly maxIncrease: number | null
        readonly sensitivity: number
        /** Absolute limit of the canary's RMSE, in the label's unit. */
        readonly max: number | null
        /** Absolute errors above this count as this (the label's unit); null = learnt from the first labels. */
        readonly cap: number | null
        readonly labelWindowMs: number
        readonly minLabels: number
      }
  )
