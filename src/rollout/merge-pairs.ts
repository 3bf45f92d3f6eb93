import { NO_PAIRS, type PairCohort, type PairTally } from '../domain/pairs.ts'
import type { CohortShare } from '../domain/replica.ts'
import { addPairs } from './fold-pairs.ts'
import { addPairTallies } from './pair-tally.ts'

type Shares = readonly Pick<CohortShare, 'pairs' | 'tallies'>[]

/** The pairs of an interval, all of whose fates are known, with those of other replicas; what was given stays as it was. */
export function mergePairs(own: PairCohort, shares: Shares): PairCohort {
  const { step, counts, tallies } = own
  return {
    step,
    counts: shares.reduce((all, { pairs }) => addPairs(all, pairs ?? NO_PAIRS), counts),
    ...(tallies === undefined ? undefined : { tallies: mergeAll(tallies, shares) }),
  }
}

/** The sums of one test with those of other replicas that have any; what was given stays as it was. */
export function mergePairTally(id: string, own: PairTally, shares: Shares): PairTally {
  return shares.reduce((all, { tallies }) => {
    const more = tallies[id] as PairTally | undefined
    return more === undefined ? all : addPairTallies(all, more)
  }, own)
}

function mergeAll(
  own: Readonly<Record<string, PairTally>>,
  shares: Shares,
): Readonly<Record<string, PairTally>> {
  return Object.fromEntries(
    Object.entries(own).map(([id, tally]) => [id, mergePairTally(id, tally, shares)]),
  )
}
