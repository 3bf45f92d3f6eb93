import type {
  BetTally,
  Cohort,
  DenominatorSums,
  DriftTally,
  EventTally,
  Pair,
  Side,
  Tally,
} from '../domain/cohort.ts'
import type { CohortSums } from '../domain/replica.ts'

/**
 * A cohort with the shares of other replicas added to it, in the order given (sums of fractions depend on it in
 * their last digit). A share has tallies only of hypotheses that it has something to say of. The cohort itself
 * stays as it is.
 */
export function mergeShares(cohort: Cohort, shares: readonly CohortSums[]): Cohort {
  return shares.reduce<Cohort>((all, share) => ({ ...all, ...addSums(all, share) }), cohort)
}

/** Adds one share to another; commutes, and does not depend on grouping but for the last digit of fractions. */
export function addSums(to: CohortSums, share: CohortSums): CohortSums {
  const { segments } = to
  return {
    assigned: addPairs(to.assigned, share.assigned),
    observed: addPairs(to.observed, share.observed),
    ...(segments === undefined ? undefined : { segments: addSegments(segments, share.segments) }),
    tallies: addTallies(to.tallies, share.tallies),
  }
}

function addSegments(
  to: NonNullable<Cohort['segments']>,
  share: Cohort['segments'] = {},
): NonNullable<Cohort['segments']> {
  return Object.fromEntries(
    Object.entries(to).map(([name, units]) => {
      const more = share[name]
      return [
        name,
        more === undefined
          ? units
          : {
              assigned: addPairs(units.assigned, more.assigned),
              observed: addPairs(units.observed, more.observed),
            },
      ]
    }),
  )
}

function addTallies(to: Cohort['tallies'], share: Cohort['tallies']): Cohort['tallies'] {
  return Object.fromEntries(
    Object.entries(to).map(([id, tally]) => {
      const more = share[id]
      return [id, more === undefined ? tally : addTally(tally, more)]
    }),
  )
}

// Both were opened by the same terms for the same hypotheses: their kinds agree.
function addTally(to: Tally, more: Tally): Tally {
  switch (to.kind) {
    case 'event':
      return addEvents(to, more as EventTally)
    case 'bet':
      return addBets(to, more as BetTally)
    case 'drift':
      return addDrift(to, more as DriftTally)
  }
}

function addEvents(to: EventTally, more: EventTally): EventTally {
  const [some, others] = [to.harmUnits, more.harmUnits]
  return {
    kind: 'event',
    trials: addPairs(to.trials, more.trials),
    events: addPairs(to.events, more.events),
    harmEvents: addPairs(to.harmEvents, more.harmEvents),
    harmUnits:
      some === null || others === null
        ? (some ?? others)
        : [
            [...some[0], ...others[0]],
            [...some[1], ...others[1]],
          ],
  }
}

function addBets(to: BetTally, more: BetTally): BetTally {
  const denominator = addDenominators(to.denominator, more.denominator)
  const bins = addBins(to.bins, more.bins)
  const ratioBins = addBins(to.ratioBins, more.ratioBins)
  return {
    kind: 'bet',
    n: addPairs(to.n, more.n),
    sum: addPairs(to.sum, more.sum),
    sumSq: addPairs(to.sumSq, more.sumSq),
    ...(denominator === undefined ? undefined : { denominator }),
    harm: addLists(to.harm, more.harm),
    proof: addLists(to.proof, more.proof),
    ...(bins === undefined ? undefined : { bins }),
    ...(ratioBins === undefined ? undefined : { ratioBins }),
  }
}

function addDenominators(
  to: DenominatorSums | undefined,
  more: DenominatorSums | undefined,
): DenominatorSums | undefined {
  if (to === undefined || more === undefined) return to ?? more
  return {
    sum: addPairs(to.sum, more.sum),
    sumSq: addPairs(to.sumSq, more.sumSq),
    cross: addPairs(to.cross, more.cross),
  }
}

/** Sums by bin. */
type Bins = Record<string, number[]>

function addBins<B extends Bins>(
  to: Readonly<Record<Side, B>> | undefined,
  more: Readonly<Record<Side, B>> | undefined,
): readonly [B, B] | undefined {
  // A share without them, of an older version, has values that are in none: half of the bins would say what is not so.
  if (to === undefined || more === undefined) return undefined
  const add = (side: Side): B => {
    const all: Bins = { ...to[side] }
    for (const [bin, sums] of Object.entries(more[side])) {
      all[bin] = all[bin] === undefined ? sums : addLists(all[bin], sums)
    }
    return all as B
  }
  return [add(0), add(1)]
}

function addDrift(to: DriftTally, more: DriftTally): DriftTally {
  return {
    kind: 'drift',
    baseline: addLists(to.baseline, more.baseline),
    canary: addLists(to.canary, more.canary),
  }
}

function addPairs(a: Readonly<Pair>, b: Readonly<Pair>): Pair {
  return [a[0] + b[0], a[1] + b[1]]
}

function addLists(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + b[index]!)
}
