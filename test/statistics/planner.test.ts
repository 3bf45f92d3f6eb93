import t, { type Test } from 'tap'
import { etaSeconds, eventGrowths, eventsPlan, meansPlan } from '../../src/statistics/planner.ts'
import { near } from './near.ts'

const basis = { alpha: 0.05, ratePerSecond: 100, settleSeconds: 0 }
const double = { ...basis, direction: 'above', ratio: 1, floor: 0, baselineRate: 0.01 } as const
const equal = { ...double, direction: 'below', canaryRate: 0.01, pi: 0.2 } as const

t.test('A doubled error rate of 1 % takes as long as simulations say.', async (t) => {
  // Simulated medians and 80 % points of events, within the 15 % that the formula promises.
  for (const [pi, change, p50, p80] of [
    [0.05, 1.25, 2565, 4914],
    [0.01, 2, 933, 1665],
    [0.05, 1.5, 653, 1264],
    [0.5, 2, 56, 99],
  ] as const) {
    const plan = eventsPlan({ ...double, pi, canaryRate: 0.01 * change })!
    const events = 0.01 * (1 - pi) + 0.01 * change * pi
    within(t, plan.p50.requests * events, p50, 0.15)
    within(t, plan.p80.requests * events, p80, 0.2)
  }
})

t.test('The plan for an event metric has its reference values.', async (t) => {
  for (const [pi, p50, p80] of [
    [0.01, 90_173, 166_699],
    [0.05, 18_993, 35_022],
    [0.2, 5_869, 10_692],
    [0.5, 4_059, 7_184],
  ] as const) {
    const plan = eventsPlan({ ...double, pi, canaryRate: 0.02 })!
    t.same([plan.p50.requests, plan.p80.requests], [p50, p80])
  }
  for (const [pi, p50, p80] of [
    [0.05, 54_642, 96_833],
    [0.2, 16_675, 29_889],
    [0.5, 11_188, 20_477],
  ] as const) {
    const plan = eventsPlan({ ...equal, pi, ratio: 1.5, floor: 0.001 })!
    t.same([plan.p50.requests, plan.p80.requests], [p50, p80])
  }
  for (const [ratio, p50] of [
    [1.25, 85_479],
    [1.5, 23_466],
    [2, 7_631],
  ] as const)
    t.equal(eventsPlan({ ...equal, ratio })!.p50.requests, p50)
})

t.test('Seconds are requests over traffic, with the settle window on top.', async (t) => {
  const plan = eventsPlan({ ...double, pi: 0.05, canaryRate: 0.02, settleSeconds: 30 })!
  near(t, plan.p50.seconds, 189.93 + 30)
  const idle = eventsPlan({ ...double, pi: 0.05, canaryRate: 0.02, ratePerSecond: 0 })!
  t.equal(idle.p50.seconds, Infinity)
})

t.test('A floor makes the proof shorter and lets one without failures be planned.', async (t) => {
  const floored = eventsPlan({ ...equal, ratio: 1.5, floor: 0.001 })!
  t.ok(floored.p50.requests < eventsPlan({ ...equal, ratio: 1.5 })!.p50.requests)
  const clean = { ...equal, ratio: 1.5, baselineRate: 0, canaryRate: 0 }
  const plan = eventsPlan({ ...clean, floor: 0.001 })!
  // Without chance the mixture's evidence is known, so this is the number of units that it takes.
  t.equal(plan.p50.requests, 24_032)
  t.equal(plan.p80.requests, plan.p50.requests, 'nothing is left to chance')
  t.equal(eventsPlan(clean), null)
})

t.test('A floor is not used for harm.', async (t) => {
  const harm = { ...double, pi: 0.05, canaryRate: 0.02 }
  t.same(eventsPlan({ ...harm, floor: 0.05 }), eventsPlan(harm))
})

t.test('A side without events is planned with the largest bet.', async (t) => {
  const onlyCanary = eventsPlan({ ...double, pi: 0.5, baselineRate: 0, canaryRate: 0.1 })!
  t.ok(onlyCanary.p50.requests > 0 && onlyCanary.p50.requests < 200)
  const onlyBaseline = eventsPlan({ ...equal, ratio: 1, baselineRate: 0.1, canaryRate: 0 })!
  t.ok(onlyBaseline.p50.requests > 0 && Number.isFinite(onlyBaseline.p80.requests))
})

t.test('What is on the wrong side of the margin, or too close to it, has no plan.', async (t) => {
  t.equal(eventsPlan({ ...double, pi: 0.05, canaryRate: 0.01 }), null)
  t.equal(eventsPlan({ ...double, pi: 0.05, canaryRate: 0.009 }), null)
  t.equal(eventsPlan({ ...equal, ratio: 1 }), null)
  t.equal(eventsPlan({ ...equal, ratio: 1, floor: 0.001, canaryRate: 0.010999 }), null)
})

t.test('The plan for squared errors has its reference values.', async (t) => {
  const gaussian = { baselineMean: 1, baselineVariance: 2, cap: null }
  for (const [pi, harm, proof] of [
    [0.05, [7_938, 13_945], [33_918, 58_468]],
    [0.2, [2_422, 4_190], [10_083, 16_966]],
    [0.5, [1_614, 2_812], [6_388, 10_641]],
  ] as const) {
    const worse = { ...gaussian, canaryMean: 1.21, canaryVariance: 2 * 1.21 ** 2 }
    const same = { ...gaussian, canaryMean: 1, canaryVariance: 2 }
    const toHarm = meansPlan({ ...basis, ...worse, pi, direction: 'above', ratio: 1 })!
    const toProof = meansPlan({ ...basis, ...same, pi, direction: 'below', ratio: 1.1025 })!
    t.same([toHarm.p50.requests, toHarm.p80.requests], harm)
    t.same([toProof.p50.requests, toProof.p80.requests], proof)
    t.equal(meansPlan({ ...basis, ...worse, pi, direction: 'below', ratio: 1.1025 }), null)
    t.equal(meansPlan({ ...basis, ...same, pi, direction: 'above', ratio: 1 }), null)
  }
})

t.test(
  'The time left is what the bets still have to win, from where they stand now.',
  async (t) => {
    const bet = { ...double, pi: 0.05, canaryRate: 0.02 }
    const growths = eventGrowths(bet)
    const eta = (wealth: number, change = {}) =>
      etaSeconds({
        growths,
        wealth: growths.map(() => wealth),
        goal: Math.log(20),
        ratePerSecond: 100,
        settleSeconds: 10,
        ...change,
      })!
    near(t, eta(0), 189.93 + 10)
    t.ok(eta(1.5) < 0.62 * eta(0) && eta(-3) > 1.5 * eta(0))
    t.equal(eta(3), 10, 'only what is waited for is left')
    t.equal(eta(0, { ratePerSecond: 0 }), null)
    t.equal(eta(0, { growths: eventGrowths({ ...bet, canaryRate: 0.005 }) }), null)
  },
)

function within(t: Test, actual: number, expected: number, share: number): void {
  t.ok(Math.abs(actual / expected - 1) <= share, `${actual} is within ${share} of ${expected}`)
}
