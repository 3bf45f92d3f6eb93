import type { Cohort, CohortTerms, Pair, Tally } from '../domain/cohort.ts'
import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import type { CohortOpening } from '../domain/replica.ts'
import { emptyDriftTally } from './drift-book.ts'
import { emptyBetTally, emptyEventTally } from './tally.ts'

/** What a cohort is opened with. */
export type Opening = Omit<CohortOpening, 'openedAt'> & { readonly now: number }

/** What is asked of the requests of a cohort. */
export type Asked = {
  readonly hypotheses: readonly Hypothesis[]
  readonly keyed: boolean
  /** Those that something is asked of alone. */
  readonly segments: readonly string[]
}

/** A cohort before its first request. */
export function emptyCohort(opening: CohortOpening, asked: Asked): Cohort {
  // Written out: what a rest pattern gives has a shape of its own each time, slow to read everywhere.
  const cohort: Cohort = {
    number: opening.number,
    rollout: opening.rollout,
    step: opening.step,
    pi: opening.pi,
    epoch: opening.epoch,
    judged: opening.judged,
    terms: opening.terms,
    openedAt: opening.openedAt,
    closedAt: null,
    assigned: [0, 0],
    observed: [0, 0],
    tallies: emptyTallies(asked, opening.terms),
  }
  return asked.segments.length === 0 ? cohort : { ...cohort, segments: emptySegments(asked) }
}

function emptyTallies({ hypotheses, keyed }: Asked, terms: CohortTerms): Cohort['tallies'] {
  const tallies: Cohort['tallies'] = {}
  for (const hypothesis of hypotheses) tallies[hypothesis.id] = emptyTally(hypothesis, terms, keyed)
  return tallies
}

function emptyTally({ id, source }: Hypothesis, terms: CohortTerms, keyed: boolean): Tally {
  if (source.of === 'drift') return emptyDriftTally(id, terms)
  return isContinuous(source) ? emptyBetTally(source.of) : emptyEventTally(keyed)
}

function emptySegments({ segments }: Asked): NonNullable<Cohort['segments']> {
  const units = () => ({ assigned: [0, 0] as Pair, observed: [0, 0] as Pair })
  return Object.fromEntries(segments.map((name) => [name, units()]))
}
