import type { CohortTerms } from '../../../src/domain/cohort.ts'

/** One request that was drawn, and all that became of it. */
export type Request = {
  /** The number of the cohort that was open; null = none was. */
  readonly cohort: number | null
  readonly side: 0 | 1
  readonly key: number | null
  readonly segment: string | null
  /** When it came. */
  readonly at: number
  readonly endsAt: number
  /** The name of the process that served it, and when that booked its end; null = it was killed before. */
  readonly gateway: string
  bookedAt: number | null
  readonly latencyMs: number
  readonly outcome: string
  readonly status: number
  /** Its answer is looked at: it is asked for its label. */
  readonly observed: boolean
  readonly prediction: number | null
  /** What it asks about. */
  readonly number: number
  /** The label that was acknowledged as joined, and the events that were. */
  label: number | null
  /** When the label came. */
  labelAt: number
  readonly events: {
    readonly name: string
    readonly amount: number
    readonly at: number
    /** When its line came. */
    readonly toldAt: number
  }[]
  /** Whether it is the one that its key is judged by, as the product says. */
  readonly isFirst: () => boolean
}

/** A cohort as it was opened. */
export type Frame = {
  readonly number: number
  readonly pi: number
  readonly step: number
  /** Index of the newest start point. */
  readonly epoch: number
  readonly judged: boolean
  readonly openedAt: number
  readonly closedAt: number | null
  /** Its interval was over: limits are counted then. */
  readonly closedByInterval?: true
  /** What the product fixed when it opened. */
  readonly terms: CohortTerms
}

/** The last cohort that each hypothesis had folded. */
export type Folded = Readonly<Record<string, number>>

export type History = {
  readonly requests: readonly Request[]
  /** In their order. */
  readonly frames: readonly Frame[]
  /** By the time of each look. */
  readonly foldedAt: ReadonlyMap<number, Folded>
  /** When another process took over; null = none did. */
  readonly restartedAt: number | null
  /** When a decision opened a cohort, with what was folded at that look. */
  readonly decidedAt: ReadonlySet<number>
}
