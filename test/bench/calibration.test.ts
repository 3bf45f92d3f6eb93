import t from 'tap'
import { Attempt, Bets, eventTally } from '../../bench/calibration/attempt.ts'
import { clopperPearson } from '../../bench/calibration/clopper-pearson.ts'
import { beta, binomial, gamma, normal } from '../../bench/calibration/deviates.ts'
import { findFaults } from '../../bench/calibration/find-faults.ts'
import { hypothesisOf, planFor } from '../../bench/calibration/plan.ts'
import { createStream, type Random } from '../../bench/calibration/random.ts'
import { repeat, type MethodResult } from '../../bench/calibration/repeat.ts'
import { growthbookRho, plannedForZ } from '../../bench/calibration/rivals.ts'
import { allScenarios } from '../../bench/calibration/scenarios/all.ts'
import { harmLogEvidence, proofLogEvidence } from '../../src/statistics/label-bet.ts'
import { near } from '../statistics/near.ts'

const ERRORS = { errors: { kind: 'error-rate', maxIncrease: '0%' } }

t.test('A stream is the same again under its name, and another under another.', async (t) => {
  const draws = (name: string) => Array.from({ length: 5 }, createStream(name))
  t.same(draws('a/1'), draws('a/1'))
  t.notSame(draws('a/1'), draws('a/2'))
  const random = createStream('uniform')
  const many = Array.from({ length: 100_000 }, random)
  t.ok(many.every((u) => u > 0 && u < 1))
  near(t, mean(many), 0.5, 0.005)
  // Neighbours have nothing in common: 1/12 is the variance, 0.003 three standard errors of 0.001 × 1/12.
  near(t, mean(many.slice(1).map((u, i) => (u - 0.5) * (many[i]! - 0.5))), 0, 0.001)
})

t.test('Binomial numbers are as frequent as their probabilities say.', async (t) => {
  for (const [n, p] of [
    [10, 0.05],
    [40, 0.5],
    [1000, 0.01],
    [7, 0.9],
  ] as const) {
    const random = createStream(`binomial ${n} ${p}`)
    const count = 50_000
    const seen = new Map<number, number>()
    for (let i = 0; i < count; i += 1) {
      const k = binomial(random, n, p)
      seen.set(k, (seen.get(k) ?? 0) + 1)
    }
    let probability = (1 - p) ** n
    let [chiSquared, cells] = [0, 0]
    for (let k = 0; k <= n; k += 1) {
      const expected = count * probability
      if (expected >= 10) {
        chiSquared += ((seen.get(k) ?? 0) - expected) ** 2 / expected
        cells += 1
      }
      probability *= ((n - k) / (k + 1)) * (p / (1 - p))
    }
    t.ok(chiSquared < cells + 4 * Math.sqrt(2 * cells), `${chiSquared} in ${cells} cells`)
  }
  const random = createStream('edges')
  t.same([binomial(random, 0, 0.5), binomial(random, 9, 0), binomial(random, 9, 1)], [0, 0, 9])
})

t.test('Normal, gamma and beta deviates have their means and variances.', async (t) => {
  const moments = (draw: (random: Random) => number) => {
    const random = createStream('moments')
    const values = Array.from({ length: 100_000 }, () => draw(random))
    const centre = mean(values)
    return [centre, mean(values.map((x) => (x - centre) ** 2))] as const
  }
  const isNear = (found: readonly [number, number], wanted: readonly [number, number]) => {
    near(t, found[0], wanted[0], 0.02)
    near(t, found[1], wanted[1], 0.04)
  }
  isNear(moments(normal), [0, 1])
  isNear(
    moments((random) => gamma(random, 0.4)),
    [0.4, 0.4],
  )
  isNear(
    moments((random) => gamma(random, 2.5)),
    [2.5, 2.5],
  )
  isNear(
    moments((random) => beta(random, 0.5, 1.5)),
    [0.25, 0.0625],
  )
})

t.test('The exact interval of a probability is that of R.', async (t) => {
  // binom.test(682, 925), the example of its manual.
  const { lower, upper } = clopperPearson(682, 925)
  near(t, lower, 0.7076683, 1e-6)
  near(t, upper, 0.7654066, 1e-6)
  const none = clopperPearson(0, 20)
  t.equal(none.lower, 0)
  near(t, none.upper, 1 - 0.025 ** (1 / 20), 1e-8)
  t.equal(clopperPearson(20, 20).upper, 1)
})

t.test('The rivals are tuned as their sources say.', async (t) => {
  // gbstats: sequential_rho(.05, 1000) and (.05, 5000).
  near(t, growthbookRho(0.05, 1000), 0.0890850975, 1e-10)
  near(t, growthbookRho(0.05, 5000), 0.0398400668, 1e-10)
  t.same(
    [0.01, 0.05, 0.2, 0.5].map((pi) => plannedForZ(pi, 0.01, 0.02)),
    [80_330, 16_983, 5_291, 3_652],
  )
})

t.test(
  'A simulated attempt has the evidence of its counts, and bets as the gateway does.',
  async (t) => {
    const plan = planFor(ERRORS, { maxTicks: 100 })
    const { id, harm, proof } = hypothesisOf(plan, 'errors')
    t.same(
      [harm, proof],
      [
        { ratio: 1, alpha: 0.05 },
        { ratio: 1.5, floor: 0.001, alpha: 0.05 },
      ],
    )
    const attempt = new Attempt(plan, true)
    for (let tick = 0; tick < 2; tick += 1) {
      const cohort = attempt.open({ pi: 0.05 })
      cohort.tallies[id] = eventTally({ units: [9500, 500], events: [50, 9] })
      attempt.fold(cohort)
    }
    const strata = [{ pi: 0.05, canary: 18, baseline: 100, trials: 20_000 }]
    const found = attempt.evidence.hypotheses[id]!
    // One start point: half of the stake is on it, the other half waits for others and stays what it is.
    const mixed = Math.log(0.5 * Math.exp(harmLogEvidence(strata, 1)) + 0.5)
    near(t, found.sup.harm, mixed, 1e-12)
    near(t, found.sup.proof, Math.max(0, proofLogEvidence(strata, 1.5, 0.001)), 1e-12)
    t.throws(() => hypothesisOf(plan, 'latency'), { message: /no hypothesis is called latency/ })
    t.throws(() => new Bets(attempt.open({ pi: 0.05 }), hypothesisOf(plan, 'errors')), {
      message: 'errors has no values',
    })
    t.throws(() => planFor({ errors: { kind: 'error-rat' } }, { maxTicks: 9 }), {
      message: /error-rat/,
    })
  },
)

t.test('A scenario gives the same again, and every one has a name of its own.', async (t) => {
  const scenarios = allScenarios()
  t.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length)
  const lenient = scenarios.find(({ name }) => name === 'alike-lenient-limit')!
  const result = repeat(lenient, 5, 7)
  t.same(repeat(lenient, 5, 7), result)
  t.same(
    result.methods.map(({ method, acted, rollouts }) => [method, acted, rollouts]),
    [
      ['serin', 0, 5],
      ['Flagger, limit 1 %', 5, 5],
    ],
  )
})

t.test(
  'What must not be is named: broken promises, slowness, wrong plans, failures that do not fail.',
  async (t) => {
    const good: MethodResult = {
      method: 'm',
      rollouts: 200,
      acted: 5,
      lower: 0.02,
      upper: 0.1,
      p50: 100,
      p80: 200,
      promised: 0.05,
      mustFail: false,
      planned: { p50: 119, p80: 161 },
      medianAtMost: 100,
    }
    const faults = (change: Partial<MethodResult>) =>
      findFaults([
        { name: 's', title: '', question: 'detection', methods: [{ ...good, ...change }] },
      ])
    t.same(faults({}), [])
    t.same(faults({ lower: 0.051 }), ['s: m: 5 of 200, promised is at most 0.05'])
    t.same(faults({ promised: null, lower: 0.9 }), [])
    t.match(faults({ medianAtMost: 99 }), [/a median of 100 requests/])
    t.match(faults({ p50: null }), [/a median of null/, /planned 119 and 161/])
    t.match(faults({ planned: { p50: 121, p80: 200 } }), [
      /planned 121 and 200 requests, found 100/,
    ])
    t.match(faults({ planned: { p50: 100, p80: 159 } }), [/planned 100 and 159/])
    t.same(faults({ rollouts: 199, planned: { p50: 1, p80: 1 } }), [])
    t.same(faults({ mustFail: true }), ['s: m: does not fail: 5 of 200'])
    t.same(faults({ mustFail: true, promised: null, lower: 0.06 }), [])
  },
)

for (const [family, rollouts] of [
  ['conversion', 20],
  ['revenue-heavy', 5],
  ['segments', 5],
  ['abn', 5],
  ['pairs', 20],
] as const) {
  t.test(`The scenarios of ${family} keep what is promised, in a short run.`, async (t) => {
    const scenarios = allScenarios().filter(({ name }) => name.startsWith(family))
    t.ok(scenarios.length > 0)
    const results = scenarios.map((scenario) => repeat(scenario, rollouts, 1))
    t.same(findFaults(results), [])
    for (const { question, methods } of results) {
      const [first] = methods
      if (question === 'detection') t.equal(first!.acted, rollouts, 'what is worse is found')
      else if (question === 'proof') t.ok(first!.acted > rollouts / 2, 'what is alike is proved')
      else t.ok(methods.every((m) => m.acted < rollouts / 2))
    }
  })
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
