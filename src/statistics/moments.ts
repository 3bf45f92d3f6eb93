import type { DenominatorSums, Pair } from '../domain/cohort.ts'
import type { MomentStratum } from '../domain/evidence.ts'
import { NO_MOMENTS } from './empty-evidence.ts'

/** Moments of both sides. */
export type Moments = Omit<MomentStratum, 'pi'>

/** The moments of two disjoint sets of units together. */
export function addMoments(a: Moments, b: Moments): Moments {
  return {
    n: addPairs(a.n, b.n),
    sum: addPairs(a.sum, b.sum),
    sumSq: addPairs(a.sumSq, b.sumSq),
    ...addDenominators(a.denominator, b.denominator),
  }
}

/** Of all strata together: for reading and for sizing bets, never for comparing the two sides. */
export function poolMoments(strata: readonly MomentStratum[]): Moments {
  return strata.reduce<Moments>(addMoments, NO_MOMENTS)
}

/** Adds side by side; the first one itself where nothing is added, which is what most cohorts add of events. */
export function addCounts(a: Readonly<Pair>, b: Readonly<Pair>): Readonly<Pair> {
  return b[0] === 0 && b[1] === 0 ? a : addPairs(a, b)
}

/** The log-wealth of each bet with what a cohort adds to it. */
export function addLogs(wealth: readonly number[], logs: readonly number[]): readonly number[] {
  return wealth.map((value, bet) => value + (logs[bet] ?? 0))
}

/** Adds side by side. */
export function addPairs(a: Readonly<Pair>, b: Readonly<Pair>): Pair {
  return [a[0] + b[0], a[1] + b[1]]
}

const NONE: Readonly<DenominatorSums> = { sum: [0, 0], sumSq: [0, 0], cross: [0, 0] }

function addDenominators(
  before: Moments['denominator'],
  more: Moments['denominator'],
): Pick<Moments, 'denominator'> {
  if (more === undefined) return {}
  const { sum, sumSq, cross } = before ?? NONE
  return {
    denominator: {
      sum: addPairs(sum, more.sum),
      sumSq: addPairs(sumSq, more.sumSq),
      cross: addPairs(cross, more.cross),
    },
  }
}
