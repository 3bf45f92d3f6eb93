import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { firstUnits, passageShare, unitsUntil } from '../../src/statistics/passage.ts'
import { near } from './near.ts'

const one = { growths: [{ mean: 0.01, variance: 0.02 }], before: null, goal: 3 }

t.test('One bet passes its goal as the inverse Gaussian distribution says.', async (t) => {
  // Φ(√(λ/t)(t/μ−1)) + exp(2λ/μ)·Φ(−√(λ/t)(t/μ+1)) with μ = 300, λ = 450.
  near(t, passageShare(one, 300), 0.6436706, 1e-6)
  near(t, passageShare(one, 100), 0.125627, 1e-6)
  t.equal(passageShare(one, 0), 0)
  t.equal(passageShare(one, 1e6), 1)
})

t.test(
  'Half of simulated walks have passed at the median, of one bet and of a mixture.',
  async (t) => {
    const random = createRandom(7)
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const bets = [0.05, 0.1, 0.2].map((bet) => ({
      mean: bet * 0.1 - bet ** 2 / 2,
      variance: bet ** 2,
    }))
    const passage = { growths: bets, before: null, goal: Math.log(20) }
    const times = Array.from({ length: 400 }, () => {
      let [units, sum] = [0, 0]
      for (;;) {
        units += 1
        sum += 0.1 + gaussian()
        const wealth = [0.05, 0.1, 0.2].map((bet) => bet * sum - (bet ** 2 / 2) * units)
        if (wealth.reduce((all, w) => all + Math.exp(w), 0) / 3 >= 20) return units
      }
    }).sort((a, b) => a - b)
    for (const share of [0.5, 0.8]) {
      const ratio = unitsUntil(passage, share) / times[share * 400]!
      t.ok(ratio > 0.85 && ratio < 1.15, `${ratio}`)
    }
  },
)

t.test('What was won before counts, and may be enough.', async (t) => {
  const before = [{ mean: 1.5, variance: 3 }]
  t.ok(unitsUntil({ ...one, before }, 0.5) < unitsUntil(one, 0.5) / 1.5)
  t.equal(unitsUntil({ ...one, before: [{ mean: 4, variance: 0 }] }, 0.8), 0)
})

t.test(
  'Without chance it takes what the evidence takes; without growth it never comes.',
  async (t) => {
    const sure = { ...one, growths: [{ mean: 0.01, variance: 0 }] }
    t.equal(unitsUntil(sure, 0.5), 300)
    t.equal(unitsUntil(sure, 0.8), 300)
    const losing = { ...one, growths: [{ mean: -0.01, variance: 0.02 }] }
    t.equal(unitsUntil(losing, 0.5), Infinity)
    t.equal(
      firstUnits((units) => (units >= 777 ? 1 : 0), 0.5),
      777,
    )
  },
)

t.test(
  'A search looks at few places, however far it leads and however steep the way is.',
  async (t) => {
    let asked = 0
    const shapes: readonly ((units: number, place: number) => number)[] = [
      (units, place) => (units >= place ? 1 : 0),
      (units, place) => units / (units + place),
      (units, place) => Math.min(1, units / (2 * place)),
      (units, place) => 1 / (1 + (place / units) ** 40),
    ]
    for (const chance of shapes) {
      for (const place of [1, 2, 17, 4097, 1e6 + 1, 1e9, 5e14]) {
        asked = 0
        const found = firstUnits((units) => {
          asked += 1
          return chance(units, place)
        }, 0.5)
        near(t, found / place, 1, 1e-7)
        t.ok(asked <= 60, `${asked} looks for ${place}`)
      }
    }
    asked = 0
    const never = () => {
      asked += 1
      return 0.79
    }
    t.equal(firstUnits(never, 0.8), Infinity)
    t.ok(asked <= 20, `${asked} looks for what never is`)
  },
)

t.test('Of a goal that is near the chance rises from the first unit on.', async (t) => {
  const bet = (before: number) => ({
    ...{ growths: [{ mean: 1e-4, variance: 1e-4 }], goal: 3 },
    before: [{ mean: before, variance: 0 }],
  })
  for (const before of [0, 2, 2.9]) {
    let last = 0
    for (let units = 1; units < 1e6; units *= 1.1) {
      const share = passageShare(bet(before), units)
      t.ok(share >= last - 1e-6, `${before}: ${share} within ${units}`)
      last = share
    }
    t.ok(last > 0.99)
  }
})
