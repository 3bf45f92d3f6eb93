import type { Side } from './cohort.ts'

/** A request whose true value may still arrive: what the label join needs to book it. */
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
  /** The request's segment; absent where the service has none. */
  readonly segment?: string
}

/** What became of one line of feedback. */
export type FeedbackResult = 'joined' | 'unmatched' | 'late' | 'duplicate' | 'rejected'
