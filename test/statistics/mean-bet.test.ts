import t from 'tap'
import type { BetTally, BetTerms, Side } from '../../src/domain/cohort.ts'
import { logMeanExp } from '../../src/statistics/log-sum-exp.ts'
import {
  EFFECT_GRID,
  HARM_EFFECTS,
  addBet,
  betTerm,
  centredBets,
  effectUnit,
  varianceAtMargin,
} from '../../src/statistics/mean-bet.ts'
import { near } from './near.ts'

t.test('Log-wealths have their reference values.', async (t) => {
  const tally = emptyTally(3, 0)
  const terms: BetTerms = { centre: 0.8, cap: 10, harm: [0.01, 0.02, 0.05], proof: [] }
  for (const [side, y] of [
    [1, 1.5],
    [0, 0.7],
    [0, 2],
    [1, 3],
    [0, 0.1],
  ] as const)
    addBet(tally, terms, side, y, 0.2, 1, 1)
  near(t, tally.harm[0]!, 0.133608964)
  near(t, tally.harm[1]!, 0.255895818)
  near(t, tally.harm[2]!, 0.570612084)
  near(t, logMeanExp(tally.harm), 0.337403628)
  t.same(
    [tally.n, tally.sum],
    [
      [0, 0],
      [0, 0],
    ],
    'moments are left to the caller',
  )
})

t.test('The term of an observation has expectation μc − ρμb whatever the centre.', async (t) => {
  for (const centre of [0, 0.8, 5])
    near(t, 0.2 * betTerm(1, 3, 0.2, 1.1, centre) + 0.8 * betTerm(0, 2, 0.2, 1.1, centre), 0.8)
})

t.test('Bets grow with the effect and stop at 0.8 of what could lose everything.', async (t) => {
  const basis = { pi: 0.2, ratio: 1.1, mean: 0.5, variance: 0.5, cap: 20 }
  const scale = 0.5 / (0.5 * (1 / 0.2 + 1.21 / 0.8))
  const harmLimit = 0.8 * Math.min(0.2 / 0.55, 0.8 / (1.1 * 19.5))
  const proofLimit = 0.8 * Math.min(0.2 / 19.45, 0.8 / 0.55)
  const harm = centredBets(basis, 'above')
  const proof = centredBets(basis, 'below')
  for (const [index, effect] of EFFECT_GRID.entries()) {
    near(t, harm[index]!, Math.min(HARM_EFFECTS[index]! * scale, harmLimit), 1e-15)
    near(t, proof[index]!, -Math.min(effect * scale, proofLimit), 1e-15)
  }
  near(t, harm.at(-1)!, harmLimit, 1e-15)
  t.ok(harm[0]! < harmLimit)
})

t.test('Only the baseline limits the proof where the cap is within the margin.', async (t) => {
  const proof = centredBets({ pi: 0.2, ratio: 1.5, mean: 1, variance: 0, cap: 1.2 }, 'below')
  for (const bet of proof) near(t, bet, (-0.8 * 0.8) / 1.5, 1e-15)
})

t.test('A mean that rounding took above the cap limits as the cap does.', async (t) => {
  const basis = { pi: 0.2, ratio: 1, variance: 0, cap: 0.3 }
  const most = 0.2 / (0.1 + 0.2)
  t.same(
    centredBets({ ...basis, mean: 0.1 + 0.2 }, 'above'),
    HARM_EFFECTS.map((effect) => Math.min(effect * (most / 0.8), 0.8 * most)),
  )
})

t.test('A baseline without spread is bet on at the limit, one at 0 not at all.', async (t) => {
  const flat = { pi: 0.2, ratio: 1, mean: 2, variance: 0, cap: 20 }
  for (const bet of centredBets(flat, 'above')) near(t, bet, 0.8 * (0.8 / 18), 1e-15)
  t.same(
    centredBets({ ...flat, mean: 0 }, 'above'),
    EFFECT_GRID.map(() => 0),
  )
  t.same(
    centredBets({ ...flat, mean: 0, variance: 3 }, 'below'),
    EFFECT_GRID.map(() => 0),
  )
})

t.test('A loss is bet on by the spread of a canary at the margin.', async (t) => {
  const basis = { pi: 0.2, ratio: 0.95, mean: 0.99, variance: 0.0099, cap: 1 }
  const p = 0.95 * 0.99
  // Of right and wrong answers that is p(1 − p), save for what the baseline alone has got wrong.
  const onCanary = 0.95 * (0.0099 + 0.05 * 0.99 ** 2)
  near(t, onCanary, p * (1 - p), 1e-12)
  near(t, varianceAtMargin(0.0099, 0.99, 0.95), onCanary, 1e-15)
  const scale = (1 - p) / (onCanary / 0.2 + (0.95 ** 2 * 0.0099) / 0.8)
  const limit = 0.8 * Math.min(0.2 / (1 - p), 0.8 / p)
  for (const [index, bet] of centredBets(basis, 'below').entries())
    near(t, bet, -Math.min(HARM_EFFECTS[index]! * scale, limit), 1e-12)
  const rare = { ...basis, mean: 0.1, variance: 0.09, cap: 10 }
  near(
    t,
    centredBets(rare, 'below')[0]!,
    (-0.01 * 0.1) / ((0.95 * (0.09 + 0.05 * 0.01)) / 0.2 + (0.95 ** 2 * 0.09) / 0.8),
    1e-15,
  )
  t.equal(varianceAtMargin(3, 1, 1.1025), 3, 'a canary within a margin above need not have lost')
})

t.test(
  'Of a margin below the smallest effect the smallest bet stands for the margin.',
  async (t) => {
    t.equal(effectUnit('above', 3, 1), 3)
    t.equal(effectUnit('below', 3, 1.1), 3)
    t.equal(effectUnit('above', 3, 0.97), 3)
    t.equal(effectUnit('above', 3, 1.005), 3, 'harm beyond it is no margin')
    t.equal(effectUnit('below', 3, 0.99), 3)
    near(t, 0.02 * effectUnit('below', 3, 1.005), 3 * 0.005, 1e-14)
    near(t, 0.02 * effectUnit('above', 3, 0.99), 3 * 0.01, 1e-14)
    const basis = { pi: 0.2, ratio: 1.005, mean: 1, variance: 2, cap: 16 }
    near(t, centredBets(basis, 'below')[0]!, -0.005 / (2 / 0.2 + (1.005 ** 2 * 2) / 0.8), 1e-12)
  },
)

t.test(
  'Whatever the effect is, some bet grows at two thirds of the best rate, from 0.7 % on.',
  async (t) => {
    // By the second order of ln(1 + λψ) a bet on ε gains 2εδ − ε² where the effect is δ, and at most δ².
    for (let effect = 0.007; effect < 1.2; effect *= 1.02) {
      const gains = HARM_EFFECTS.map((bet) => (2 * bet * effect - bet ** 2) / effect ** 2)
      t.ok(Math.max(...gains) > 0.66, `${effect}`)
    }
  },
)

t.test('What is proved of nearly all right answers is sized by the wrong ones.', async (t) => {
  const basis = { pi: 0.2, ratio: 0.995, mean: 0.99, variance: 0.0099, cap: 1 }
  const scale = (1 - 0.995 * 0.99) / (0.0099 / 0.2 + (0.995 ** 2 * 0.0099) / 0.8)
  const limit = 0.8 * Math.min(0.2 / (0.995 * 0.99), 0.8 / (0.995 * 0.01))
  for (const [index, bet] of centredBets(basis, 'above').entries())
    near(t, bet, Math.min(EFFECT_GRID[index]! * scale, limit), 1e-12)
})

t.test('Where all answers are right and have to stay so, bets are spread.', async (t) => {
  const perfect = { pi: 0.2, ratio: 1, mean: 1, variance: 0, cap: 1 }
  const bets = centredBets(perfect, 'below')
  for (const [index, effect] of HARM_EFFECTS.entries())
    near(t, bets[index]!, -Math.min(effect, 0.64), 1e-15)
  // Rounding may take the mean above the cap.
  t.same(centredBets({ ...perfect, mean: 1 + 1e-15 }, 'below').length, EFFECT_GRID.length)
})

t.test('Values above the cap count as the cap on both sides.', async (t) => {
  const terms = { centre: 1, cap: 4, harm: [0.05], proof: [-0.05] }
  for (const side of [0, 1] as const) {
    const [above, at] = [emptyTally(1, 1), emptyTally(1, 1)]
    addBet(above, terms, side, 1e6, 0.2, 1, 1.1)
    addBet(at, terms, side, 4, 0.2, 1, 1.1)
    t.same(above, at)
  }
})

t.test('Harm and proof are bet at ratios of their own.', async (t) => {
  const tally = emptyTally(1, 1)
  addBet(tally, { centre: 1, cap: 9, harm: [0.05], proof: [-0.05] }, 1, 3, 0.5, 1, 1.2)
  near(t, tally.harm[0]!, Math.log1p(0.05 * 4))
  near(t, tally.proof[0]!, Math.log1p(-0.05 * 3.6))
})

t.test('Above a margin as before: by the spread of the baseline on both sides.', async (t) => {
  const basis = { pi: 0.2, ratio: 1.1025, mean: 1, variance: 2, cap: 16 }
  const scale = 1 / (2 * (5 + 1.1025 ** 2 / 0.8))
  near(t, centredBets(basis, 'below')[0]!, -0.02 * scale, 1e-15)
  near(t, centredBets(basis, 'above')[0]!, 0.01 * scale, 1e-15)
})

t.test('What is not a number from 0 on is refused and adds nothing.', async (t) => {
  const tally = emptyTally(1, 0)
  const terms = { centre: 1, cap: 9, harm: [0.05], proof: [] }
  t.throws(() => addBet(tally, terms, 0, NaN, 0.5, 1, 1), {
    name: 'RangeError',
    message: 'an observation is a number from 0 on, found NaN',
  })
  t.throws(() => addBet(tally, terms, 0, -1, 0.5, 1, 1), { name: 'RangeError' })
  t.same(tally, emptyTally(1, 0))
})

t.test('Over all assignments the evidence has expectation 1 at the margin.', async (t) => {
  // Fixed outcomes of each unit under either assignment: nothing is assumed about their distribution.
  const ifBaseline = [0.2, 3, 0, 1.1, 7, 0.4, 0.9, 2.5, 0.01, 1]
  const basis = { pi: 0.3, mean: 1.2, variance: 2, cap: 9 }
  for (const direction of ['above', 'below'] as const) {
    const ratio = 1.1025
    const bets = centredBets({ ...basis, ratio }, direction)
    const at = (change: number) => expectation(ifBaseline, ratio * change, basis, ratio, bets)
    near(t, at(1), 1, 1e-12)
    t.ok(direction === 'above' ? at(0.9) < 1 : at(1.1) < 1, 'on the side of the null: below')
    t.ok(direction === 'above' ? at(1.1) > 1 : at(0.9) > 1, 'on the other side: above')
  }
})

function emptyTally(harm: number, proof: number): BetTally {
  return {
    kind: 'bet',
    n: [0, 0],
    sum: [0, 0],
    sumSq: [0, 0],
    harm: Array.from({ length: harm }, () => 0),
    proof: Array.from({ length: proof }, () => 0),
  }
}

/** Σ over all assignments of P(assignment) · E, where the canary's outcome is `factor` × the baseline's. */
function expectation(
  ifBaseline: readonly number[],
  factor: number,
  { pi, mean, cap }: { pi: number; mean: number; cap: number },
  ratio: number,
  bets: readonly number[],
): number {
  let sum = 0
  for (let labels = 0; labels < 2 ** ifBaseline.length; labels += 1) {
    const tally = emptyTally(bets.length, 0)
    let probability = 1
    for (const [unit, y] of ifBaseline.entries()) {
      const side = ((labels >> unit) & 1) as Side
      probability *= side === 1 ? pi : 1 - pi
      const terms = { centre: mean, cap, harm: bets, proof: [] }
      addBet(tally, terms, side, side === 1 ? factor * y : y, pi, ratio, ratio)
    }
    sum += probability * Math.exp(logMeanExp(tally.harm))
  }
  return sum
}
