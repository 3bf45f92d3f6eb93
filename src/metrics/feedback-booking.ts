import type { Tally } from '../domain/cohort.ts'

/** What became of a piece of feedback, and what has to be stored with it. */
export type FeedbackBooking = {
  /** `late`: the cohort was folded without it. */
  readonly result: 'joined' | 'late'
  /** Tallies that it changed of a cohort that the store has already (live: they may go on to change). */
  readonly changed: {
    readonly rollout: string
    readonly cohort: number
    /** Whose share of the cohort it is; absent = the cohort itself. */
    readonly replica?: string
    readonly tallies: Readonly<Record<string, Tally>>
  } | null
}

/** Of an event; with the running totals that its unit has now. */
export type EventBooking = FeedbackBooking & {
  readonly totals: readonly number[]
  /** How many metrics counted it, of all requests and of segments. */
  readonly metrics: number
}

/** Nothing waits for it any more. */
export const LATE: FeedbackBooking = { result: 'late', changed: null }

/** An event that nothing waits for any more: the totals of its unit stay. */
export function lateEvent(totals: readonly number[]): EventBooking {
  return { ...LATE, totals, metrics: 0 }
}
