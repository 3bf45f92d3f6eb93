import type { OnFailure } from './rollout-spec.ts'

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
}

/** What the pairs of an attempt's mirror steps have said. Plain data, stored with the evidence. */
export type PairEvidence = {
  /** Of all mirror steps. */
  readonly counts: PairCounts
  /** The step that was folded last, and its own pairs. */
  readonly step: number
  readonly stepCounts: PairCounts
  /** The largest log-evidence so far, by the id of the test. */
  readonly sup: Readonly<Record<string, PairSup>>
}

/** E-values may be read at any time, so the supremum stands. */
export type PairSup = { readonly harm: number; readonly proof: number }

/** One question put to the pairs of mirror steps, fixed for an attempt. */
export type PairTest = {
  /** `errors/mirror`, or the name of a metric of kind `disagreement`. */
  readonly id: string
  readonly metric: string
  /** What harm leads to. */
  readonly onFailure: OnFailure
  /** It has its share of the rollback α. */
  readonly required: boolean
  readonly asks: PairQuestion
  /** Harm is shown at log E ≥ ln(1/α). */
  readonly alphaHarm: number
  /** The opposite is shown at log E ≥ ln(1/α); it is shown to people and waited for by nothing. */
  readonly alphaProof: number
}

export type PairQuestion =
  /** H0 of harm: P(canary fails) ≤ harmRatio × P(baseline fails); of proof: ≥ proofRatio × it + floor. */
  | {
      readonly of: 'failure'
      readonly harmRatio: number
      readonly proofRatio: number
      readonly floor: number
    }
  /** H0 of harm: P(the answers disagree) ≤ max; of proof: ≥ max. */
  | { readonly of: 'disagreement'; readonly max: number }
