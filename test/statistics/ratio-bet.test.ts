import t from 'tap'
import type { BetTally, BetTerms, DenominatorSums, Pair, Side } from '../../src/domain/cohort.ts'
import { EFFECT_GRID, HARM_EFFECTS } from '../../src/statistics/mean-bet.ts'
import { addMoments, poolMoments } from '../../src/statistics/moments.ts'
import {
  denominatorLift,
  linearised,
  ratioBets,
  ratioBetTerm,
  replaceRatioUnit,
  type Counts,
} from '../../src/statistics/ratio-bet.ts'
import { near } from './near.ts'

const BASIS = { pi: 0.2, ratio: 0.9, centre: 0.4, denominatorMean: 2, variance: 1.5, cap: 10 }

t.test('Bets on a ratio keep every factor positive, and use 0.8 of what they may.', async (t) => {
  for (const direction of ['above', 'below'] as const) {
    for (const variance of [1.5, 1e-9]) {
      const bets = ratioBets({ ...BASIS, variance }, direction)
      let least = Infinity
      for (const side of [0, 1] as const) {
        for (const num of [0, 10]) {
          for (const den of [0, 10]) {
            const term = ratioBetTerm(side, num, den, 0.2, 0.9, 0.4)
            for (const bet of bets) least = Math.min(least, 1 + bet * term)
          }
        }
      }
      t.ok(least > 0.199, `${direction}: ${least}`)
      if (variance < 1) near(t, least, 0.2, 1e-12)
    }
  }
})

t.test('Bets grow with the effect by the variance of what is compared.', async (t) => {
  // A canary at the margin that has lost a tenth of its numerators.
  const onCanary = 0.9 * (1.5 + 0.1 * 0.8 ** 2)
  const scale = (0.4 * 2) / (onCanary / 0.2 + (0.81 * 1.5) / 0.8)
  const limit = 0.8 * Math.min(0.2 / 10, 0.8 / (0.9 * 0.4 * 10))
  for (const [index, bet] of ratioBets(BASIS, 'below').entries()) {
    near(t, bet, -Math.min(HARM_EFFECTS[index]! * scale, limit), 1e-15)
  }
  t.same(
    ratioBets({ ...BASIS, centre: 0 }, 'above'),
    EFFECT_GRID.map(() => 0),
  )
})

t.test('The term is d(Rc − ρRb) on average, whatever the centre.', async (t) => {
  for (const centre of [0.1, 0.4, 3]) {
    const mean =
      0.2 * ratioBetTerm(1, 0.9, 2, 0.2, 0.9, centre) +
      0.8 * ratioBetTerm(0, 0.8, 2, 0.2, 0.9, centre)
    near(t, mean, 2 * (0.45 - 0.9 * 0.4), 1e-12)
  }
})

t.test('The wealth of a canary at the margin does not grow on average.', async (t) => {
  const bets = ratioBets(BASIS, 'above')
  // Rb = 0.5 and Rc = 0.9 · 0.5: the denominator is 2 everywhere.
  const sides = [
    { side: 1 as Side, probability: 0.2, mean: 0.9 },
    { side: 0 as Side, probability: 0.8, mean: 1 },
  ]
  for (const bet of bets) {
    let expectation = 0
    for (const { side, probability, mean } of sides) {
      for (const [num, share] of [
        [10, mean / 10],
        [0, 1 - mean / 10],
      ] as const) {
        const term = ratioBetTerm(side, num, 2, 0.2, 0.9, 0.4)
        expectation += probability * share * (1 + bet * term)
      }
    }
    near(t, expectation, 1, 1e-12)
  }
})

t.test('Of a canary with other denominators only a product of two errors is left.', async (t) => {
  // Rb = 0.5 on d = 2, and Rc = ρRb on d = 3.
  const mean = (centre: number, lift: number) =>
    0.2 * ratioBetTerm(1, 0.45 * 3, 3, 0.2, 0.9, centre, lift) +
    0.8 * ratioBetTerm(0, 0.5 * 2, 2, 0.2, 0.9, centre)
  for (const centre of [0.1, 0.4, 3]) near(t, mean(centre, 1.5), 0, 1e-12)
  near(t, mean(0.4, 1.2), 0.9 * (0.5 - 0.4) * (3 / 1.2 - 2), 1e-12)
  for (const lift of [0.1, 1.5, 10]) {
    for (const direction of ['above', 'below'] as const) {
      const bets = ratioBets({ ...BASIS, variance: 1e-9, lift }, direction)
      const terms = ([0, 1] as const).flatMap((side) =>
        [0, 10].flatMap((num) =>
          [0, 10].map((den) => ratioBetTerm(side, num, den, 0.2, 0.9, 0.4, lift)),
        ),
      )
      const least = Math.min(...bets.flatMap((bet) => terms.map((term) => 1 + bet * term)))
      near(t, least, 0.2, 1e-12)
    }
  }
})

t.test('How much larger the denominators are is told within the weights.', async (t) => {
  const at = (n: Pair, means: Pair, variance: number): Parameters<typeof denominatorLift>[0] => [
    {
      ...{ n, sum: [0, 0], sumSq: [0, 0] },
      denominator: {
        sum: [n[0] * means[0], n[1] * means[1]],
        sumSq: [n[0] * (means[0] ** 2 + variance), n[1] * (means[1] ** 2 + variance)],
        cross: [0, 0],
      },
    },
  ]
  const night = at([95_000, 5000], [2, 3], 1e-6)
  const day = at([20_000, 20_000], [8, 12], 1e-6)
  near(t, denominatorLift([...night, ...day]), 1.5, 1e-6)
  t.equal(denominatorLift(at([100, 100], [2, 2.1], 4)), 1, 'as much as may be chance')
  // 1.25 with a variance of 1.25² · (4/100/4 + 4/100/6.25).
  const chance = 1.25 ** 2 * (0.01 + 0.0064)
  near(t, denominatorLift(at([100, 100], [2, 2.5], 4)), 1 + 0.25 * (1 - chance / 0.0625), 1e-12)
  t.equal(denominatorLift(at([100, 100], [2, 2], 4)), 1)
  t.equal(denominatorLift([]), 1)
  t.equal(denominatorLift(at([100, 100], [2, 0], 0)), 1, 'the canary has none yet')
  t.equal(denominatorLift(at([100, 0], [2, 0], 1)), 1)
  t.equal(denominatorLift([{ n: [9, 9], sum: [1, 1], sumSq: [1, 1] }]), 1, 'of a mean')
})

t.test('A unit that counts more takes back what it was, in any order.', async (t) => {
  const terms: BetTerms = { centre: 0.4, cap: 10, harm: [0.01, -0.02], proof: [-0.01] }
  const place = { pi: 0.2, harm: 0.9, proof: 0.8 }
  const empty = (): BetTally => ({
    kind: 'bet',
    n: [0, 0],
    sum: [0, 0],
    sumSq: [0, 0],
    denominator: { sum: [0, 0], sumSq: [0, 0], cross: [0, 0] },
    harm: [0, 0],
    proof: [0],
  })
  const stepwise = empty()
  const steps: readonly Counts[] = [
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 2],
  ]
  for (let i = 1; i < steps.length; i++) {
    replaceRatioUnit(stepwise, terms, 1, steps[i - 1]!, steps[i]!, place)
  }
  const atOnce = empty()
  replaceRatioUnit(atOnce, terms, 1, [0, 0], [1, 2], place)
  t.same(stepwise.sum, [0, 1])
  t.same(stepwise.denominator, { sum: [0, 2], sumSq: [0, 4], cross: [0, 2] })
  for (const [index, log] of atOnce.harm.entries()) near(t, stepwise.harm[index]!, log, 1e-15)
  near(t, atOnce.harm[0]!, Math.log1p(0.01 * ratioBetTerm(1, 1, 2, 0.2, 0.9, 0.4)), 1e-15)
  near(t, atOnce.proof[0]!, Math.log1p(-0.01 * ratioBetTerm(1, 1, 2, 0.2, 0.8, 0.4)), 1e-15)
  replaceRatioUnit(atOnce, undefined, 0, [0, 0], [3, 4], place)
  t.same(atOnce.sum, [3, 1], 'without bets there are moments')
  t.equal(atOnce.denominator!.cross[0], 12)
})

t.test("A ratio's moments are those of its linearised units.", async (t) => {
  const units: readonly Counts[] = [
    [1, 2],
    [0, 1],
    [2, 3],
    [0, 0],
  ]
  const total = (of: (unit: Counts) => number) => units.reduce((sum, unit) => sum + of(unit), 0)
  const moments = {
    n: [4, 3] as [number, number],
    sum: [total(([num]) => num), 5] as [number, number],
    sumSq: [total(([num]) => num * num), 9] as [number, number],
    denominator: {
      sum: [total(([, den]) => den), 0] as [number, number],
      sumSq: [total(([, den]) => den * den), 0] as [number, number],
      cross: [total(([num, den]) => num * den), 0] as [number, number],
    },
  }
  const linear = linearised(moments)
  const values = units.map(([num, den]) => 0.5 + (num - 0.5 * den) / 1.5)
  near(t, linear.sum[0], 2, 1e-12)
  near(
    t,
    linear.sumSq[0],
    values.reduce((sum, value) => sum + value * value, 0),
    1e-12,
  )
  t.same([linear.n[1], linear.sum[1]], [0, 0], 'without a denominator there is no ratio')
  const mean = { n: [1, 2], sum: [3, 4], sumSq: [5, 6] } as const
  t.equal(linearised(mean as never), mean)
})

t.test('Moments add up, with denominators where there are some.', async (t) => {
  const mean = { n: [1, 2], sum: [3, 4], sumSq: [5, 6] } as const
  const denominator: DenominatorSums = { sum: [1, 2], sumSq: [3, 4], cross: [5, 6] }
  const ratio = { ...mean, denominator }
  t.same(addMoments(mean, mean), { n: [2, 4], sum: [6, 8], sumSq: [10, 12] })
  t.same(
    poolMoments([
      { pi: 0.1, ...ratio },
      { pi: 0.2, ...ratio },
    ]),
    {
      n: [2, 4],
      sum: [6, 8],
      sumSq: [10, 12],
      denominator: { sum: [2, 4], sumSq: [6, 8], cross: [10, 12] },
    },
  )
})
