import t from 'tap'
import type { BetTally, BetTerms } from '../../src/domain/cohort.ts'
import type { PairQuestion } from '../../src/domain/pairs.ts'
import { emptyPairTally } from '../../src/rollout/pair-tally.ts'
import { logMeanExp } from '../../src/statistics/log-sum-exp.ts'
import { EFFECT_GRID } from '../../src/statistics/mean-bet.ts'
import { addPairedValues, pairedBets, pairedMoments } from '../../src/statistics/paired-mean-bet.ts'
import { near } from './near.ts'

function empty(): BetTally {
  const asks: PairQuestion = {
    of: 'score',
    score: 'squared-error',
    cap: 1,
    windowMs: 0,
    better: 'lower',
    harmRatio: 1,
    proofRatio: 1,
    floor: 0,
  }
  return emptyPairTally({ asks }) as BetTally
}

const terms = (harm: number[], proof: number[]): BetTerms => ({ centre: 0, cap: 1, harm, proof })

/** E of the e-value after `n` pairs of independent values that are `cap` or 0, by enumeration. */
function expectation(
  n: number,
  [baseline, canary]: readonly [number, number],
  cap: number,
  ratio: number,
  direction: 'above' | 'below',
): number {
  const bets = pairedBets({ ratio, mean: baseline * cap, variance: 0.2 * cap ** 2, cap }, direction)
  const walk = (left: number, p: number, tally: BetTally): number => {
    if (left === 0) return p * Math.exp(logMeanExp(tally.harm))
    let sum = 0
    for (const b of [0, cap]) {
      for (const c of [0, cap]) {
        const next = structuredClone(tally)
        addPairedValues(next, terms(bets, []), [b, c], { harm: ratio, proof: ratio })
        const share = (b > 0 ? baseline : 1 - baseline) * (c > 0 ? canary : 1 - canary)
        sum += walk(left - 1, p * share, next)
      }
    }
    return sum
  }
  return walk(n, 1, empty())
}

t.test('evidence is worth 1 at its null, less on the side of the null, more on the other', (t) => {
  for (const ratio of [0.9, 1, 1.1025]) {
    for (const cap of [1, 25]) {
      const at = (canary: number, direction: 'above' | 'below') =>
        expectation(4, [0.4, canary], cap, ratio, direction)
      near(t, at(0.4 * ratio, 'above'), 1, 1e-9)
      near(t, at(0.4 * ratio, 'below'), 1, 1e-9)
      t.ok(at(0.2, 'above') < 1 && at(0.2, 'below') > 1)
      t.ok(at(0.7, 'above') > 1 && at(0.7, 'below') < 1)
    }
  }
  t.end()
})

t.test('a bet stands for an effect in units of the baseline, and never loses all', (t) => {
  const basis = { ratio: 1, mean: 2, variance: 100, cap: 50 }
  const bets = pairedBets(basis, 'above')
  near(t, bets[0]!, 0.01 * 0.02, 1e-12)
  t.equal(bets.at(-1), 0.8 / 50, 'clipped to 0.8 of what a pair can lose')
  t.same(
    pairedBets(basis, 'below'),
    bets.map((bet) => -bet),
  )
  near(t, pairedBets({ ...basis, ratio: 1.005 }, 'below')[0]!, -0.02 * 0.02 * 0.25, 1e-12)
  t.same(pairedBets({ ...basis, ratio: 2 }, 'above').at(-1), 0.8 / 100)
  t.same(pairedBets({ ...basis, ratio: 2 }, 'below').at(-1), -0.8 / 50)
  t.same(
    pairedBets({ ...basis, mean: 0 }, 'above'),
    EFFECT_GRID.map(() => 0),
  )
  t.same(
    pairedBets({ ...basis, variance: 0 }, 'above'),
    EFFECT_GRID.map(() => 0.8 / 50),
    'answers that never differ',
  )
  t.end()
})

t.test('what is hard for both sides cancels in the variance of a difference', (t) => {
  const tally = empty()
  for (const [baseline, canary] of [
    [1, 1.5],
    [4, 4.5],
    [9, 9.5],
  ] as const) {
    addPairedValues(tally, undefined, [baseline, canary], { harm: 1, proof: 1 })
  }
  t.same(tally.n, [3, 3])
  const { mean, variance } = pairedMoments(tally, 1)
  near(t, mean, 14 / 3, 1e-12)
  near(t, variance, 0, 1e-9)
  t.ok(pairedMoments(tally, 2).variance > 1)
  t.same(tally.harm, empty().harm, 'without terms nothing is bet')
  t.end()
})

t.test('each direction is bet at its own ratio', (t) => {
  const tally = empty()
  addPairedValues(tally, terms([0.1], [-0.2]), [0.5, 0.75], { harm: 1, proof: 1.2 })
  near(t, tally.harm[0]!, Math.log1p(0.1 * 0.25), 1e-12)
  near(t, tally.proof[0]!, Math.log1p(-0.2 * (0.75 - 0.6)), 1e-12)
  t.end()
})
