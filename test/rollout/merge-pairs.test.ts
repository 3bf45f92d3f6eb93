import t from 'tap'
import type { BetTally } from '../../src/domain/cohort.ts'
import { NO_PAIRS, type PairScoreQuestion, type PairTally } from '../../src/domain/pairs.ts'
import { mergePairs, mergePairTally } from '../../src/rollout/merge-pairs.ts'
import { emptyPairTally } from '../../src/rollout/pair-tally.ts'

const counts = { ...NO_PAIRS, pairs: 3, canaryFailed: 1, compared: 2 }

function events(n: number): PairTally {
  return {
    ...{ kind: 'event', trials: [n, n], events: [n, 0], harmEvents: [n, 0], harmUnits: null },
    both: [0, n],
  }
}

t.test('pairs of several replicas are those of all of them', (t) => {
  const own = { step: 1, counts, tallies: { a: events(1), b: events(2) } }
  const shares = [
    { pairs: counts, tallies: { a: events(4), labels: events(8) } },
    { tallies: { labels: events(16) } },
  ]
  t.same(mergePairs(own, shares), {
    step: 1,
    counts: { ...NO_PAIRS, pairs: 6, canaryFailed: 2, compared: 4 },
    tallies: { a: events(5), b: events(2) },
  })
  t.same(own.tallies.a, events(1), 'what was given stays as it was')
  t.same(mergePairs({ step: 0, counts }, shares).tallies, undefined, 'nothing but counts is asked')
  t.same(mergePairs(own, []), own)
  t.end()
})

t.test('sums of labels are added up where a replica has any', (t) => {
  const score: PairScoreQuestion = {
    ...{ of: 'score', score: 'correct', cap: 1, windowMs: 0, better: 'higher' },
    ...{ harmRatio: 1, proofRatio: 1, floor: 0 },
  }
  const empty = emptyPairTally({ asks: score }) as BetTally
  const some: BetTally = { ...empty, n: [2, 2], sum: [1, 2], sumSq: [1, 4], product: 3 }
  const whole = mergePairTally('a', some, [{ tallies: { a: some } }, { tallies: { b: some } }])
  t.match(whole, { n: [4, 4], sum: [2, 4], sumSq: [2, 8], product: 6 })
  t.end()
})
