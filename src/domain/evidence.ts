import type { DenominatorSums, Pair } from './cohort.ts'
import type { MeasurementRun } from './measurement.ts'
import type { PairEvidence } from './pairs.ts'

/**
 * Everything that the judged cohorts of one rollout attempt have said so far. Plain data: it is stored
 * as it is, and folding the same cohorts again gives the same evidence.
 */
export type Evidence = {
  readonly rollout: string
  /** Cohort numbers at which the start points begin; the first is where the attempt began. */
  readonly starts: readonly number[]
  /** Index into `starts` of the point at which the current step began. */
  readonly stepStart: number
  /** By hypothesis id. */
  readonly hypotheses: Readonly<Record<string, HypothesisEvidence>>
  readonly ratio: RatioEvidence
  /** Caps on the absolute error learnt from the first labels, by metric name; frozen for the attempt. */
  readonly caps: Readonly<Record<string, number>>
  /** Edges of bins learnt from the baseline's first values, by hypothesis id; frozen for the attempt. */
  readonly bins?: Readonly<Record<string, readonly number[]>>
  /** Ticks in a row that a metric's absolute limit was broken, by metric name. */
  readonly limitTicks: Readonly<Record<string, number>>
  /** What the threshold method has measured, by metric name. */
  readonly measurements: Readonly<Record<string, MeasurementRun>>
  /** Of mirror steps; absent = no pair was judged. It is apart from the evidence of live steps. */
  readonly pairs?: PairEvidence
}

/** The evidence of one hypothesis, by the engine that gathers it. */
export type HypothesisEvidence = EventEvidence | BetEvidence | DriftEvidence

/** The largest log-evidence so far: e-values may be read at any time, so the supremum stands. */
export type Latched = {
  readonly harm: number
  readonly proof: number
  /** Of the cohorts of the step that was folded last; starts anew with each step. */
  readonly stepProof: number
}

/** Events of one stratum (all cohorts of one assignment weight). */
export type EventStratum = {
  readonly pi: number
  readonly baseline: number
  readonly canary: number
  /** Judged units of both sides; needed where a floor is allowed. */
  readonly trials: number
}

/** Evidence from 0/1 observations: counts by stratum. */
export type EventEvidence = {
  readonly kind: 'event'
  /** The last cohort folded; -1 before the first. */
  readonly foldedThrough: number
  /** The step of that cohort. */
  readonly step: number
  /** By start point, then by stratum. */
  readonly harm: readonly (readonly EventStratum[])[]
  readonly proof: readonly EventStratum[]
  readonly stepProof: readonly EventStratum[]
  /** Judged units and their events since the attempt began, and in the step. */
  readonly trials: Readonly<Pair>
  readonly events: Readonly<Pair>
  readonly stepTrials: Readonly<Pair>
  readonly stepEvents: Readonly<Pair>
  /** Of missing labels alone: those among the events that came, and could not be scored; absent = none. */
  readonly unscored?: Readonly<Pair>
  /** The strata of the proofs without the cohorts in which the baseline had an outage; absent = they are the same. */
  readonly calm?: Calm<readonly EventStratum[]>
  readonly sup: Latched
}

/** Units, and the sum of their values; of events, how many there were. */
export type Level = readonly [units: number, sum: number]

/** How much speaks for an outage of the baseline: odds of what is bad that are three times, and thirty times as large. */
export type OutageScores = readonly [threefold: number, thirtyfold: number]

/** What the proofs are made of without the cohorts in which the baseline had an outage. */
export type Calm<W> = {
  readonly proof: W
  readonly stepProof: W
  /** The baseline's units in these cohorts; absent where an older version has left outages out. */
  readonly baseline?: Level
  /** No cohort was left out for good; absent = some were. */
  readonly isWhole?: boolean
  /** What speaks for an outage, and the cohorts that are in none of the two yet; absent = nothing does. */
  readonly doubted?: {
    readonly scores: OutageScores
    /** The baseline's units after they were known to be an outage, as long as it lasted; null = it is not known yet. */
    readonly outageUnits: number | null
    readonly baseline: Level
    readonly proof: W
    readonly stepProof: W
  }
}

/** Moments of y in one stratum. */
export type MomentStratum = {
  readonly pi: number
  readonly n: Readonly<Pair>
  readonly sum: Readonly<Pair>
  readonly sumSq: Readonly<Pair>
  /** Of ratios alone, whose numerator the others are of. */
  readonly denominator?: Readonly<DenominatorSums>
}

/** Evidence from continuous observations: log-wealth by bet, and moments by stratum. */
export type BetEvidence = {
  readonly kind: 'bet'
  readonly foldedThrough: number
  readonly step: number
  /** Log-wealth of each bet, by start point. */
  readonly harm: readonly (readonly number[])[]
  readonly proof: readonly number[]
  readonly stepProof: readonly number[]
  readonly strata: readonly MomentStratum[]
  readonly stepMoments: Omit<MomentStratum, 'pi'>
  /** Log-wealth of the proofs without outages of the baseline; absent = it is the same. */
  readonly calm?: Calm<readonly number[]>
  readonly sup: Latched
}

/** Values counted by bin at one assignment weight. */
export type DriftStratum = {
  readonly pi: number
  readonly baseline: readonly number[]
  readonly canary: readonly number[]
}

/** Evidence that a distribution depends on the variant: counts by bin; by start point, then by stratum. */
export type DriftEvidence = {
  readonly kind: 'drift'
  readonly foldedThrough: number
  readonly step: number
  readonly starts: readonly (readonly DriftStratum[])[]
  /** Values of the canary in the step. */
  readonly stepCanary: number
  /** `harm` is that of the shift; nothing is ever proved. */
  readonly sup: Latched
}

/** Units drawn per stratum, for the sample-ratio test; by start point. */
export type RatioEvidence = {
  readonly foldedThrough: number
  readonly starts: readonly (readonly RatioStratum[])[]
  readonly sup: number
}

/** Units drawn at one assignment weight: of the canary, and in all. */
export type RatioStratum = { readonly pi: number; readonly canary: number; readonly total: number }
