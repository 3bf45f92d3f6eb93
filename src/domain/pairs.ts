import type { BetTally, EventTally } from './cohort.ts'
import type { LatencySource, Score } from './hypothesis.ts'
import type { Better, OnFailure } from './rollout-spec.ts'

/** Requests that the baseline answered and the canary got a copy of, counted by what became of both. */
export type PairCounts = {
  /** Those of which both fates are known. */
  readonly pairs: number
  /** The canary alone failed, the baseline alone, and both. */
  readonly canaryFailed: number
  readonly baselineFailed: number
  readonly bothFailed: number
  /** Those of which both answers could be compared, or the canary had none, and those that disagreed. */
  readonly compared: number
  readonly disagreed: number
}

/** No pairs. */
export const NO_PAIRS: PairCounts = {
  pairs: 0,
  canaryFailed: 0,
  baselineFailed: 0,
  bothFailed: 0,
  compared: 0,
  disagreed: 0,
}

/** The pairs whose copies left in one interval of a mirror step. */
export type PairCohort = {
  /** Index of the step. */
  readonly step: number
  readonly counts: PairCounts
  /** Of the tests that are answered when both fates are known, by id; absent where there are none but counts. */
  readonly tallies?: Readonly<Record<string, PairTally>>
}

/** Sums over pairs: of values of both sides, or of events on either; what is there of pairs alone is there. */
export type PairTally = BetTally | EventTally

/** What bets on pairs are sized by: moments of both sides' values. */
export type PairMoments = Pick<BetTally, 'n' | 'sum' | 'sumSq' | 'product'>

/** What the pairs of an attempt's mirror steps have said. Plain data, stored with the evidence. */
export type PairEvidence = {
  /** Of all mirror steps. */
  readonly counts: PairCounts
  /** The step that was folded last, and its own pairs. */
  readonly step: number
  readonly stepCounts: PairCounts
  /** The largest log-evidence so far, by the id of the test. */
  readonly sup: Readonly<Record<string, PairSup>>
  /** By the id of a test that is not answered by the counts; absent = nothing of any was folded. */
  readonly series?: Readonly<Record<string, PairSeries>>
}

/** What one test of pairs has summed up so far. */
export type PairSeries = {
  /** The last cohort folded; -1 where its cohorts have no numbers that matter, since none of them waits for labels. */
  readonly foldedThrough: number
  /** The step of that cohort. */
  readonly step: number
  readonly all: PairTally
  readonly inStep: PairTally
}

/** E-values may be read at any time, so the supremum stands. */
export type PairSup = { readonly harm: number; readonly proof: number }

/** One question put to the pairs of mirror steps, fixed for an attempt. */
export type PairTest = {
  /** That of the hypothesis about live requests and `/mirror` (`rmse/mirror`), or the name of a `disagreement`. */
  readonly id: string
  readonly metric: string
  /** The requests that it is about; absent = all of them. */
  readonly segment?: string
  /** What harm leads to. */
  readonly onFailure: OnFailure
  /** It has its share of the rollback α. */
  readonly required: boolean
  readonly asks: PairQuestion
  /** Harm is shown at log E ≥ ln(1/α); 0: never. */
  readonly alphaHarm: number
  /** The opposite is shown at log E ≥ ln(1/α), to people: nothing waits for it. Null: it is never shown. */
  readonly alphaProof: number | null
}

/** What a metric asks of pairs of answers, with what has to be exceeded for harm and undercut for proof. */
export type PairQuestion =
  /** H0 of harm: P(canary fails) ≤ harmRatio × P(baseline fails); of proof: ≥ proofRatio × it + floor. */
  | ({ readonly of: 'failure' } & PairRatios)
  /** H0 of harm: P(the answers disagree) ≤ max; of proof: ≥ max. */
  | { readonly of: 'disagreement'; readonly max: number }
  /**
   * H0 of harm: P(canary takes longer than (1 + harmMargin) × x) ≤ P(baseline takes longer than x), where x is
   * the baseline's quantile so far; of proof the same with proofMargin, the other way.
   */
  | (LatencySource & PairRatios)
  | PairScoreQuestion
  /** Of the errors that are above the cap of the metric; the same H0 as of failures. */
  | ({ readonly of: 'above-cap'; readonly windowMs: number } & PairRatios)
  /** Of answers without a prediction that the score could use, labelled or not; the same H0 as of failures. */
  | ({ readonly of: 'label-missing'; readonly score: Score } & PairRatios)

/** H0 of harm: mean score of the canary ≤ harmRatio × the baseline's; of proof: ≥ proofRatio × it. Higher is better: the other way. */
export type PairScoreQuestion = {
  readonly of: 'score'
  readonly score: Score
  /** Null = learnt from the baseline's first labels. */
  readonly cap: number | null
  readonly windowMs: number
  readonly better: Better
} & PairRatios

/** What the canary's mean, or share, is held against: ratios of the baseline's. */
export type PairRatios = {
  readonly harmRatio: number
  readonly proofRatio: number
  /** Allowed beside the ratio where the canary is to be shown no worse; 0 = nothing. */
  readonly floor: number
}

/** The questions that wait for labels. */
export type LabelQuestion = Extract<PairQuestion, { readonly windowMs: number }>

/** A test that waits for labels. */
export type LabelTest = PairTest & { readonly asks: LabelQuestion }

/** Whether a test of pairs waits for labels. */
export function isLabelTest(test: PairTest): test is LabelTest {
  return 'windowMs' in test.asks
}
