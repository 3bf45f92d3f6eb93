import type { Comparison } from '../domain/comparison.ts'
import type { Decision } from '../domain/decision.ts'
import type { ExperimentState } from './experiment.ts'

/** A fixed split as people ask for it. */
export type ExperimentView = {
  /** `3.1 vs 3.2-small#1` */
  readonly id: string
  readonly state: ExperimentState
  /** The variant that has been promoted; null while the weights of the configuration hold. */
  readonly winner: string | null
  /** Empty where nothing is compared. */
  readonly comparisons: readonly Comparison[]
  readonly lastDecision: Decision | null
}
