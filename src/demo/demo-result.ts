import type { DecisionJson } from '../admin/present.ts'
import type { FeedbackTally } from './feedback-sender.ts'

/** What a run of the demo found: printed as sentences, or by `--json` as it is. */
export type DemoResult = {
  /** Every service ended as it should. */
  readonly ok: boolean
  /** What went otherwise; empty when all is well. */
  readonly problems: readonly string[]
  readonly seed: number
  readonly quick: boolean
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Absolute error, in mpg, beyond which an answer counts as wrong. */
  readonly wrongBeyond: number
  readonly services: readonly ServiceResult[]
  readonly feedback: Readonly<FeedbackTally>
}

/** How one service of the demo ended, and what its users saw. */
export type ServiceResult = {
  readonly service: string
  readonly story: string
  readonly expected: 'promoted' | 'rolled-back'
  readonly ok: boolean
  /** How it ended, or why that is wrong. */
  readonly ending: string
  /** From the first request to the end of the rollout; null = it did not end. */
  readonly seconds: number | null
  /** RMSE on the held-out cars, measured where the model was trained: what a test before serving says. */
  readonly offlineRmse: { readonly baseline: number; readonly canary: number }
  /** What users saw, by variant; `rmse` in mpg. */
  readonly users: Readonly<Record<string, UserResult>>
  /** Oldest first. */
  readonly decisions: readonly DecisionJson[]
}

/** What the users of one variant saw; `rmse` is null until a true value is known. */
export type UserResult = {
  readonly requests: number
  readonly errors: number
  readonly wrong: number
  readonly rmse: number | null
}
