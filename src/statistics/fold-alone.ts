import type { BetTally, EventTally, Tally } from '../domain/cohort.ts'
import type { HypothesisEvidence } from '../domain/evidence.ts'
import { assertLater, fresh, type FoldPlace } from './fold.ts'
import { addCounts, addMoments } from './moments.ts'

/**
 * Adds a cohort in which one variant had all requests to the figures of its step, which absolute limits are read from.
 * With π = 1 there is no comparison: strata, bets and all that is proved stay as they are, and a drift, which has no
 * limit, but for its place. Throws when the cohort is not later than the last one folded.
 */
export function foldAlone(
  found: HypothesisEvidence,
  { cohort, step }: Pick<FoldPlace, 'cohort' | 'step'>,
  tally: Tally,
): HypothesisEvidence {
  assertLater(found.foldedThrough, cohort)
  const place = { foldedThrough: cohort, step }
  switch (found.kind) {
    case 'event': {
      const since = fresh(found, step)
      const { trials, events } = tally as EventTally
      const stepTrials = addCounts(since.stepTrials, trials)
      return { ...since, ...place, stepTrials, stepEvents: addCounts(since.stepEvents, events) }
    }
    case 'bet': {
      const since = fresh(found, step)
      return {
        ...since,
        ...place,
        stepMoments: addMoments(since.stepMoments, tally as BetTally),
      }
    }
    case 'drift':
      return { ...found, foldedThrough: cohort }
  }
}
