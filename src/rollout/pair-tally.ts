import { CANARY_SIDE, type BetTally, type EventTally } from '../domain/cohort.ts'
import type { PairMoments, PairTally, PairTest } from '../domain/pairs.ts'
import { EFFECT_GRID } from '../statistics/mean-bet.ts'
import { addPairs } from '../statistics/moments.ts'

/** The sums of a test over no pairs. */
export function emptyPairTally({ asks }: Pick<PairTest, 'asks'>): PairTally {
  if (asks.of === 'score') return emptyPairedBets()
  return {
    ...{ kind: 'event', trials: [0, 0], events: [0, 0], harmEvents: [0, 0] },
    ...{ harmUnits: null, both: [0, 0] },
  }
}

/** Sums of two disjoint sets of pairs, of one test. */
export function addPairTallies(a: PairTally, b: PairTally): PairTally {
  return a.kind === 'bet' ? addBets(a, b as BetTally) : addEvents(a, b as EventTally)
}

/** The moments of two disjoint sets of pairs together. */
export function addPairMoments(a: PairMoments, b: PairMoments): PairMoments {
  return {
    n: addPairs(a.n, b.n),
    sum: addPairs(a.sum, b.sum),
    sumSq: addPairs(a.sumSq, b.sumSq),
    product: a.product! + b.product!,
  }
}

/** Whether no pair is in it. */
export function isEmptyPairTally(tally: PairTally): boolean {
  return (tally.kind === 'bet' ? tally.n : tally.trials)[CANARY_SIDE] === 0
}

function emptyPairedBets(): BetTally {
  const none = () => EFFECT_GRID.map(() => 0)
  return {
    ...{ kind: 'bet', n: [0, 0], sum: [0, 0], sumSq: [0, 0], product: 0 },
    ...{ harm: none(), proof: none() },
  }
}

function addBets(a: BetTally, b: BetTally): BetTally {
  return {
    kind: 'bet',
    ...addPairMoments(a, b),
    harm: a.harm.map((wealth, bet) => wealth + b.harm[bet]!),
    proof: a.proof.map((wealth, bet) => wealth + b.proof[bet]!),
  }
}

function addEvents(a: EventTally, b: EventTally): EventTally {
  return {
    kind: 'event',
    trials: addPairs(a.trials, b.trials),
    events: addPairs(a.events, b.events),
    harmEvents: addPairs(a.harmEvents, b.harmEvents),
    harmUnits: null,
    both: addPairs(a.both!, b.both!),
  }
}
