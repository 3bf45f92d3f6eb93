import type { Faults } from '../domain/faults.ts'
import type { PredictionCount } from '../domain/prediction.ts'
import type { LabelArrivals, LogEvidence, MetricReport, SeenLabels } from '../domain/verdict.ts'
import type { AttemptCount } from '../statistics/breaker.ts'

/** What one evaluation knows about the world: the input of `step` beside the state. */
export type Observation = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly reports: readonly MetricReport[]
  readonly ratioMismatch: LogEvidence
  readonly breaker: BreakerReading
  readonly baseline: VariantHealth
  readonly canary: VariantHealth
  /** How the canary failed; absent = not known. It is asked for by what is decided on failures. */
  readonly faults?: () => Faults
  /** Canary units judged in the current step. */
  readonly stepCanaryUnits: number
  /** See `stepUnreadPairs`; absent = none. */
  readonly stepUnreadPairs?: number
  /** Units of both sides drawn lately, see RecentPace; absent or null = not known. It tells times, and decides nothing. */
  readonly unitsPerSecond?: number | null
  /** What this process has found in the answers of the attempt. */
  readonly predictions: { readonly baseline: PredictionCount; readonly canary: PredictionCount }
  /** Labels that came to this process, and that a metric cannot score, by its name. */
  readonly labels: ReadonlyMap<string, SeenLabels>
  /** Of this attempt; absent = not known. */
  readonly labelArrivals?: LabelArrivals
  /**
   * When the service last had a request in the step that runs, or since when this process would have seen one; null = not
   * known.
   */
  readonly lastRequestAt: number | null
  /** What those say who confirm a promotion; asked only once nothing else is missing. */
  readonly confirmation: Confirmation
}

/** The answer for this attempt and step; `refused` = not yet, or nobody could be reached. */
export type Confirmation = 'not-asked' | 'given' | 'refused'

/** Attempts over the breaker's span: the canary's last max(50 attempts, 10 s). */
export type BreakerReading = {
  readonly tripped: boolean
  readonly canary: AttemptCount
  readonly baseline: AttemptCount
  /** The baseline's last max(20 attempts, 10 s), which tell whether it fails; absent = those of the span. */
  readonly baselineRecent?: AttemptCount
}

/** Whether a variant can answer, and whether it does. */
export type VariantHealth = {
  /** At least one upstream can answer. */
  readonly ready: boolean
  /** How long none could, after one could; 0 while one can. */
  readonly downForMs: number
  /** At least half of its recent attempts failed; see isBaselineFailing. */
  readonly failing: boolean
}

/** A variant is down when no upstream could answer for this long. */
export const DOWN_AFTER_MS = 10_000

/** Without a request for this long there is nothing to judge, and nothing to move. */
export const NO_TRAFFIC_AFTER_MS = 60_000
