import type { Better, DriftValue, LatencyQuantile, OnFailure, ValuePlace } from './rollout-spec.ts'

/**
 * One question put to the evidence: "is this quantity of the canary more than `ratio` times the
 * baseline's?". A relative metric is one hypothesis, and brings others along (share above the cap,
 * missing labels, requests without an answer, answers with a 4xx). Each has up to two e-processes: harm and proof.
 */
export type Hypothesis = {
  /**
   * `errors`, `rmse`, `rmse/above-cap`, `rmse/label-missing`, `no-answer`, `client-error`; of one segment
   * `errors@gold`: unique in a rollout.
   */
  readonly id: string
  /** The requests that it is about; absent = all of them. */
  readonly segment?: string
  /** The configured metric it belongs to; null for what guards all of them (`no-answer`, `client-error`). */
  readonly metric: string | null
  readonly source: HypothesisSource
  /** What follows is said for `lower`; where higher is better, read ≥ for ≤ and less for more. */
  readonly better: Better
  /** What harm leads to. */
  readonly onFailure: OnFailure
  /** Its proof is needed before 100 %, and it has its share of the rollback α. */
  readonly required: boolean
  /**
   * H0: canary ≤ ratio × baseline. Disproved (harm) at log E ≥ ln(1/α); α = 0: never. Where there is an `apart`, the
   * shares of units with the event must also lie so far apart, as they are seen.
   */
  readonly harm: { readonly ratio: number; readonly alpha: number; readonly apart?: number }
  /** H0: canary ≥ ratio × baseline + floor. Disproved (no worse) at log E ≥ ln(1/α). Null: never proved. */
  readonly proof: { readonly ratio: number; readonly floor: number; readonly alpha: number } | null
}

/** The id of the same question about all requests: `rmse/above-cap` for `rmse/above-cap@gold`. */
export function wholeId({ id, segment }: Hypothesis): string {
  return segment === undefined ? id : id.slice(0, -(segment.length + 1))
}

/** The ratio that bets on proof are made against; where nothing is to be proved, that of harm. */
export function proofRatio(hypothesis: Hypothesis): number {
  return hypothesis.proof?.ratio ?? hypothesis.harm.ratio
}

/** Where the observations of a hypothesis come from. Margins are fractions of the threshold. */
export type HypothesisSource =
  | { readonly of: 'failure' }
  | { readonly of: 'no-answer' }
  /** Answers with a 4xx that is no failure. */
  | { readonly of: 'client-error' }
  | LatencySource
  | ScoreSource
  | ConversionSource
  | SumSource
  | MeanSource
  | RatioSource
  /** `among`: the units that have a value, or all that were drawn (those without one have 0). */
  | { readonly of: 'above-cap'; readonly among: 'values' | 'drawn'; readonly windowMs: number }
  /** `among`: the units whose answers are looked at, or all that were drawn. */
  | {
      readonly of: 'label-missing'
      readonly among: 'observed' | 'drawn'
      readonly windowMs: number
    }
  | DriftSource

/** Whether a request was slow: took longer than a threshold that the baseline's quantile gives. */
export type LatencySource = LatencyQuantile & {
  readonly of: 'latency'
  /** The canary's threshold is (1 + margin) × the baseline's quantile. */
  readonly harmMargin: number
  readonly proofMargin: number
}

/** A value whose distribution is compared: the prediction, or a number of the request at an RFC 6901 pointer. */
export type DriftSource = {
  readonly of: 'drift'
  readonly value: DriftValue
  /** How long after its cohort has settled a value may still be read from an answer. */
  readonly windowMs: number
}

/** The score of a prediction against its label; `cap: null` = learnt from the baseline's first labels. */
export type ScoreSource = {
  readonly of: 'score'
  readonly score: Score
  readonly cap: number | null
  readonly windowMs: number
}

/** How a prediction p and its label l are scored; of capped values, in the cap's unit. */
export type Score =
  /** (p − l)², of |p − l| capped. */
  | 'squared-error'
  /** |p − l| */
  | 'absolute-error'
  /** −ln of the probability that p gave to what happened; l is 0 or 1. */
  | 'log-loss'
  /** 1 where p is l, else 0. */
  | 'correct'

/** Whether a unit had the event. Units without one count as 0: every unit drawn is judged. */
export type ConversionSource = {
  readonly of: 'conversion'
  readonly event: string
  readonly windowMs: number
}

/** A unit's total, from 0 to the cap; 0 for units without events. */
export type SumSource = {
  readonly of: 'sum'
  readonly event: string
  readonly field: string | null
  readonly cap: number | null
  readonly windowMs: number
}

/** A unit's number, from 0 to the cap; units without one, or with one below 0, are missed, not judged. */
export type MeanSource = {
  readonly of: 'mean'
  readonly from: ValuePlace
  readonly cap: number | null
  readonly windowMs: number
}

/** Two counts of events by unit, each up to the cap; 0 for units without events. */
export type RatioSource = {
  readonly of: 'ratio'
  readonly numerator: string
  readonly denominator: string
  readonly cap: number
  readonly windowMs: number
}

/** Sources of values that are compared by bets. */
export type ContinuousSource = ScoreSource | SumSource | MeanSource | RatioSource

/** Whether values are compared, by bets; else events are counted. */
export function isContinuous(source: HypothesisSource): source is ContinuousSource {
  const { of } = source
  return of === 'score' || of === 'sum' || of === 'mean' || of === 'ratio'
}
