import type { Side } from './cohort.ts'

/** A request that feedback may still arrive for: what the join needs to book it. */
export type Prediction = {
  readonly service: string
  readonly requestId: string
  /** The predicted number, or null where the answer had none (an error, say): then no error can be computed. */
  readonly value: number | null
  /** Milliseconds since the epoch, at assignment. */
  readonly at: number
  readonly rollout: string
  /** The cohort at assignment; -1 = the request is not evidence (override, rule, warm-up, no rollout). */
  readonly cohort: number
  readonly side: Side
  readonly variant: string
  /** The key's unit hash; null = the request is its own unit. With a cohort: it is the unit's record. */
  readonly unit: number | null
  /** The request's segment; absent where the service has none. */
  readonly segment?: string
  /**
   * Knows the rule that decided (or that a draw did) and the version that answered; absent where the service has no
   * rules, and for overrides.
   */
  readonly rule?: number
  /** What the canary said to a copy of the request, where that is evidence of a mirror step. */
  readonly pair?: PairedPrediction
}

/** The other half of a pair of predictions. */
export type PairedPrediction = {
  /** The mirrored cohort of the pair. */
  readonly cohort: number
  /** As `value`, of the canary's answer. */
  readonly copy: number | null
}

/** What events have said of a unit so far. */
export type UnitEvents = {
  /** Hashes of the events that came, so that none counts twice. */
  readonly seen: readonly number[]
  /** Running totals, in the places that the attempt's metrics give them; empty before the first event. */
  readonly totals: readonly number[]
}

/** A unit that no event has reached. */
export const NO_EVENTS: UnitEvents = { seen: [], totals: [] }

/** One event of a unit, as the feedback has it. */
export type FeedbackEvent = {
  readonly name: string
  readonly value: number | null
  readonly values: Readonly<Record<string, number>> | null
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number
}

/** The number of an event that a metric asks for; null where it has none. `field: null` = its `value`. */
export function eventValue(
  { value, values }: Pick<FeedbackEvent, 'value' | 'values'>,
  field: string | null,
): number | null {
  if (field === null) return value
  return values !== null && Object.hasOwn(values, field) ? values[field]! : null
}

/** What became of one line of feedback. */
export type FeedbackResult = 'joined' | 'unmatched' | 'late' | 'duplicate' | 'rejected'

/** Good answers that a prediction was looked for in, and those of them without a number there. */
export type PredictionCount = { readonly looked: number; readonly unreadable: number }
