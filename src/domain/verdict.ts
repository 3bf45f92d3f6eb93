import type { Better, LatencyQuantile, ThresholdSpec } from './rollout-spec.ts'

/** What the evidence says about one metric. `error`: it could not be read, which is never failure. */
export type Verdict = 'successful' | 'failed' | 'inconclusive' | 'error'

/** A hypothesis or an absolute limit with its verdict and every number behind it (JSON-ready). */
export type MetricReport = {
  /** The hypothesis' id, or the metric's name for an absolute limit. */
  readonly name: string
  /** The requests that it is about; absent = all of them. */
  readonly segment?: string | undefined
  readonly kind: string
  /** Of a latency until the first byte of a body; absent = until the last, or of another kind. */
  readonly until?: LatencyQuantile['until'] | undefined
  readonly verdict: Verdict
  /** Whether it decides, and what its harm leads to. */
  readonly required: boolean
  readonly onFailure: 'rollback' | 'pause' | 'warn'
  /** A rise is the worse where lower is better, a fall where higher is. */
  readonly better: Better
  /** Allowed changes for the worse: beyond `harm` it is harm, beyond `proof` is what a proof excludes. */
  readonly margins: Margins | null
  /** Absolute errors above it count as it, in the values shown too; null = not capped, or not known yet. */
  readonly cap: number | null
  /** In the metric's unit (rates as fractions, latency in ms, RMSE in the label's unit); null = no data. */
  readonly baseline: MetricValue
  readonly canary: MetricValue
  /** Canary over baseline, with a time-uniform interval; null where it cannot be given. */
  readonly ratio: RatioInterval | null
  readonly evidence: {
    readonly harm: LogEvidence | null
    readonly nonInferiority: LogEvidence | null
    /** Non-inferiority on the current step's cohorts alone; null = none of them is folded yet. */
    readonly stepNonInferiority: LogEvidence | null
    /** Harm since the current step began, as if nothing had been seen before; null as above. */
    readonly stepHarm: LogEvidence | null
  }
  /** Absolute limit, in the metric's unit; null where there is none, or where measurements are counted. */
  readonly limit: LimitReport | null
  /** The measurements of `method: threshold` in the current step; null = the sequential method. */
  readonly threshold: ThresholdReport | null
  /** Why it could not be read, without secrets; null = it could. */
  readonly error: string | null
  /** It is compared, not tested: no part of the guarantee α covers what it says. */
  readonly outsideAlpha: boolean
  /** Time-uniform bounds of the canary's share, by level α each; absent for what has none. */
  readonly bounds?: ShareBounds
  /** What is compared of a latency: the shares of requests that were slow or failed; absent for other kinds. */
  readonly slow?: SlowShares | undefined
  /** What harm shows in, where it is known; it is told in the sentence of a decision, and not stored. */
  readonly since?: ShownSince | undefined
  /** Of missing labels: those that came, and could not be scored; absent = none. */
  readonly unscored?: UnscoredLabels | undefined
  /** Of missing labels: that predictions could not be read from many answers, as a sentence; absent = they could. */
  readonly unreadable?: string | undefined
  /**
   * The evidence of no worse is that of the time without the baseline's outages, which is less than that of all: the
   * ratio, of all units, may lie inside a margin that is not proved. Absent = it is that of all.
   */
  readonly withoutOutages?: true | undefined
  /**
   * Of a share above a cap that was learnt: so large a share of the baseline's values is above it by now that nothing is
   * proved by it. Absent = it is not.
   */
  readonly passedCap?: { readonly share: number; readonly cap: number } | undefined
  /** Judged units of the canary in the current step. */
  readonly stepCanaryN: number
  /**
   * Median seconds until it can be decided at the present traffic; null = unknown. Where the step has to show the
   * proof by itself too: the longer of the whole attempt's and the step's.
   */
  readonly etaSeconds: number | null
  /** How far a watched distribution has shifted; null = not known yet, absent for other kinds. */
  readonly drift?: DriftReport | null
}

/** Allowed changes for the worse, as fractions of the baseline; null = nothing is to be proved. */
export type Margins = {
  readonly harm: number
  readonly proof: number | null
  /** What a proof allows beside its margin, as a share of the units, whatever the baseline has; absent = nothing. */
  readonly floor?: number
}

/**
 * Requests beyond the baseline's quantile (on the canary's side with the margin), failures among them, as shares;
 * null = none was judged.
 */
export type SlowShares = { readonly baseline: number | null; readonly canary: number | null }

/**
 * What both sides have since the point from which harm shows, in the metric's unit (of a latency, shares): the whole
 * attempt where its evidence decides by itself, else the start point that tells most. Shares of events are without
 * bias whatever the weights did since.
 */
export type ShownSince = {
  readonly point: 'attempt' | 'step' | 'later'
  /** Judged units of both sides since then. */
  readonly units: number
  readonly baseline: number | null
  readonly canary: number | null
}

/** Labels that a metric could not score, of all that came for both variants. */
export type UnscoredLabels = { readonly labels: number; readonly of: number }

/** The same of a process, with the last of them; null = there is none. */
export type SeenLabels = UnscoredLabels & {
  readonly last: { readonly label: number; readonly prediction: number } | null
}

/** Labels of an attempt's requests that came to this process, and those of them that came when nothing waited for them any more. */
export type LabelArrivals = { readonly labels: number; readonly late: number }

/** What a share is not shown to be below, and above. */
export type ShareBounds = { readonly lower: number; readonly upper: number }

/** Two binned distributions and how far they lie apart. */
export type DriftReport = {
  /** Population stability index, less what it is on average without any shift. */
  readonly psi: number
  /** The PSI from which a shift is flagged, if the evidence shows one. */
  readonly minPsi: number
  /** Largest distance of the cumulative shares. */
  readonly ks: number
  /** Area between the cumulative shares within the outer edges, in the value's unit. */
  readonly w1: number
  /** Bin i holds the values in (edge i − 1, edge i]; the outer bins are open. */
  readonly edges: readonly number[]
  /** Shares by bin: one more than edges. */
  readonly baseline: readonly number[]
  readonly canary: readonly number[]
}

/** How the canary stands against an absolute limit in the current step. */
export type LimitReport = {
  /** Null = none on that side. */
  readonly max: number | null
  readonly min: number | null
  /** Evaluations in a row that found the canary beyond it; three fail the metric. 1 while it may be by chance. */
  readonly ticksBeyond: number
  /** The baseline is beyond it too: says nothing about the canary, so the rollout holds. */
  readonly baselineBeyond: boolean
  /** The canary is beyond it, and chance may have it so: no evaluation counts. Absent in decisions of versions that did not tell. */
  readonly byChance?: boolean
  /**
   * As how many the canary's requests count where that is so: they are of few keys, or depend on the key. Absent = each as one of
   * its own.
   */
  readonly countsAs?: number
  /** There are too few samples in this step to judge it. */
  readonly tooFew: boolean
  /**
   * What each side has that the limit is held against, in the metric's unit: of the current step, where the metric's
   * own values are those of the comparison. Absent in decisions of versions that did not record it.
   */
  readonly baseline?: MetricValue
  readonly canary?: MetricValue
}

/** What the measurements of a step have added up to, and what they are held against. */
export type ThresholdReport = {
  readonly terms: ThresholdSpec
  readonly counts: MeasurementCounts
  /** Enough is measured: no further measurement is taken in this step. */
  readonly over: boolean
  /** Absolute limits and the largest change for the worse that a measurement may show; null = none. */
  readonly max: number | null
  readonly min: number | null
  readonly maxChange: number | null
}

/** How many measurements there were, by what they said. */
export type MeasurementCounts = {
  readonly successful: number
  readonly failed: number
  readonly inconclusive: number
  readonly error: number
  /** In a row up to now. */
  readonly consecutiveErrors: number
  readonly consecutiveSuccesses: number
}

/** A value in the metric's unit, null without data, and how many observations it comes from. */
export type MetricValue = { readonly value: number | null; readonly n: number }

/** Nothing was counted or measured. */
export const NO_VALUE: MetricValue = { value: null, n: 0 }

/**
 * `exact` intervals invert the e-process; `asymptotic` ones are for reading only: their level is not that of a
 * decision, so that one may lie beyond a margin before harm is shown.
 */
export type RatioInterval = {
  readonly estimate: number
  readonly lower: number
  readonly upper: number
  readonly method: 'exact' | 'asymptotic'
  /** Of both bounds together, in (0, 1); absent where it was not recorded. */
  readonly level?: number
}

/** Natural logarithm of the evidence, and the threshold at which it decides. */
export type LogEvidence = { readonly log: number; readonly threshold: number }
