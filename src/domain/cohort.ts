/** A number for each side of the comparison: [baseline, canary]. */
export type Pair = [baseline: number, canary: number]

/** Index of the baseline in a `Pair`. */
export const BASELINE_SIDE = 0
/** Index of the canary in a `Pair`. */
export const CANARY_SIDE = 1
/** Index of a variant in a `Pair`. */
export type Side = typeof BASELINE_SIDE | typeof CANARY_SIDE

/**
 * The requests of one service that were assigned in one interval at one weight, folded together.
 * All of its tallies are sums, so that cohorts of several replicas merge by addition.
 */
export type Cohort = {
  /** Grows over the whole rollout attempt, restarts included: assignment order. */
  readonly number: number
  /** `1.4->2.0#1` */
  readonly rollout: string
  /** Index of the step at assignment. */
  readonly step: number
  /** Probability of the canary at assignment, in (0, 1]; 1 = there was nothing to compare it with. */
  readonly pi: number
  /** Index of the newest start point that is not later than this cohort. */
  readonly epoch: number
  /** False in warm-up: both sides are left out of the evidence. */
  readonly judged: boolean
  readonly openedAt: number
  closedAt: number | null
  /** Its interval ended, so that absolute limits were counted; absent: something else closed it. */
  closedByInterval?: true
  /** When its last outcome was known or expired; absent until then. */
  settledAt?: number
  /**
   * Other replicas take part in it: their shares are awaited, all have come, or some never did. Absent: it is
   * the cohort of one replica.
   */
  shares?: 'expected' | 'complete' | 'incomplete'
  /**
   * Copies of its requests went to the canary in a mirror step: each unit is a pair, its tallies are those of
   * tests of pairs, and `pi` means nothing. Absent: it is a cohort of draws.
   */
  readonly mirrored?: true
  readonly terms: CohortTerms
  /** Units drawn: requests, or keys at their first judged request of the attempt. */
  assigned: Pair
  /** Of those, the ones whose predictions are looked at: labels are asked of no others. */
  observed: Pair
  /** The same by segment; absent where no metric is judged by segment. */
  readonly segments?: Readonly<Record<string, { readonly assigned: Pair; readonly observed: Pair }>>
  /** By hypothesis id. */
  tallies: Record<string, Tally>
}

/**
 * Whether a cohort was assigned while the canary had all requests. There is nothing to compare it with: it adds to the
 * figures of its step, which absolute limits are read from, and to nothing else of the evidence.
 */
export function isAlone({ pi }: Pick<Cohort, 'pi'>): boolean {
  return pi === 1
}

/** Whether a replay makes anything of a cohort, so that the archive keeps it: its requests were draws between two variants. */
export function isReplayed(cohort: Pick<Cohort, 'pi' | 'mirrored'>): boolean {
  return cohort.mirrored !== true && !isAlone(cohort)
}

/** What a cohort's bets were made with: fixed when it opens, from earlier cohorts only ("predictable"). */
export type CohortTerms = {
  /** Latency thresholds by hypothesis id; absent = the baseline's quantile is not known yet, so not judged. */
  readonly thresholds: Readonly<Record<string, LatencyTerms>>
  /** Bets by hypothesis id; absent = nothing to centre on yet, so not judged. */
  readonly bets: Readonly<Record<string, BetTerms>>
  /** Caps on the absolute error by metric name; absent = not known yet, so not judged. */
  readonly caps: Readonly<Record<string, number>>
  /** Edges of bins by id of drift hypothesis; absent = not known yet, so not judged. */
  readonly bins?: Readonly<Record<string, readonly number[]>>
}

/** Thresholds in milliseconds: above it a request is an exceedance. */
export type LatencyTerms = {
  readonly baselineMs: number
  readonly harmMs: number
  readonly proofMs: number
}

/** Centre g, cap B on y, and the λ of each bet (harm positive, proof negative); ψ as in docs/statistics.md. */
export type BetTerms = {
  readonly centre: number
  readonly cap: number
  /** Of ratios alone: q, by which the canary's denominators are larger; absent = 1. */
  readonly lift?: number
  readonly harm: readonly number[]
  readonly proof: readonly number[]
}

/** Sums of one hypothesis over one cohort. */
export type Tally = EventTally | BetTally | DriftTally

/** 0/1 observations. */
export type EventTally = {
  readonly kind: 'event'
  /** Units that were judged (first judged request of a key, or every request without a key). */
  trials: Pair
  /** Of those, the ones with the event (for latency at the proof's threshold). */
  events: Pair
  /** Events for the harm side of units that are judged once: requests without a key, labels. */
  harmEvents: Pair
  /** Units with at least one event in this cohort, per side; null where every request is its own unit. */
  harmUnits: [baseline: number[], canary: number[]] | null
  /** Of pairs alone: those of which both sides had the event, among `events` and among `harmEvents`. */
  both?: [events: number, harmEvents: number]
  /** Of missing labels alone, once the cohort no longer waits: those that came, and could not be scored. */
  unscored?: Readonly<Pair>
}

/**
 * Continuous observations y ≥ 0, capped; `harm` and `proof` are Σ ln(1 + λ_j ψ). Where units without
 * events count as 0, a cohort that waits has only what its events change of that, and no `n`.
 */
export type BetTally = {
  readonly kind: 'bet'
  n: Pair
  /** Of a ratio: of its numerator. */
  sum: Pair
  sumSq: Pair
  /** Of ratios alone. */
  denominator?: DenominatorSums
  /** Of pairs alone: Σ of the product of the two sides' values. */
  product?: number
  harm: number[]
  proof: number[]
  /**
   * The same values by size, so that they can be bet on otherwise later; absent where an older version booked them. Of a
   * total they have what is taken away from the zeros of units without events, too.
   */
  bins?: Readonly<Record<Side, ValueBins>>
  /** Of ratios alone, in place of `bins`: units by the sizes of their two counts, those with any; absent likewise. */
  ratioBins?: Readonly<Record<Side, RatioBins>>
}

/** How many values fell into a bin, and their sum; by the bin's index, those that hold anything. */
export type ValueBins = Record<string, [n: number, sum: number]>

/** How many units fell into a bin of two counts, and the sums of both; by the two indices, as `16/37`. */
export type RatioBins = Record<string, [n: number, numerators: number, denominators: number]>

/** Values of units counted by bin (`statistics/bins.ts`); without any count where no bins were known. */
export type DriftTally = {
  readonly kind: 'drift'
  readonly baseline: number[]
  readonly canary: number[]
}

/** Moments of the denominator d of a ratio, and Σ of its products with the numerator. */
export type DenominatorSums = { sum: Pair; sumSq: Pair; cross: Pair }
