import t from 'tap'
import type { BetEvidence, EventEvidence } from '../../src/domain/evidence.ts'
import type { BetTally, Cohort, EventTally, Pair } from '../../src/domain/cohort.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { completeTally } from '../../src/rollout/complete-tally.ts'
import { answerPointersOf, eventFieldsOf } from '../../src/rollout/event-fields.ts'
import { fidelities } from '../../src/rollout/fidelity.ts'
import { stepValue } from '../../src/rollout/figures.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { formatValue } from '../../src/rollout/format.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { judge, type JudgeContext } from '../../src/rollout/judge.ts'
import { readLimits } from '../../src/rollout/limits.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { rehearseSynthetic } from '../../src/rollout/synthetic.ts'
import type { Traffic } from '../../src/rollout/traffic.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { betTerm } from '../../src/statistics/mean-bet.ts'
import { ratioBets } from '../../src/statistics/ratio-bet.ts'
import { bets, cohort, events, evidenceOf } from '../fakes/evidence.ts'
import { plan, report, seen, state } from '../fakes/rollout.ts'
import {
  BASKET,
  CLICKS,
  CONVERSION,
  ERRORS,
  REVENUE,
  RMSE,
  TOKENS,
  rolloutSpec,
} from '../fakes/simulated-service.ts'

const ALL = plan({ analysis: { metrics: [CONVERSION, REVENUE, BASKET, CLICKS, TOKENS] } })
const byId = (id: string, of = ALL) => of.hypotheses.find((h) => h.id === id)!
const hypotheses = (...metrics: MetricSpec[]) =>
  buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis)
const CONTEXT: JudgeContext = {
  limits: [],
  step: 0,
  stepEnteredAt: 0,
  now: 0,
  pi: 0.2,
  unitsPerSecond: 100,
  latency: () => ({ value: null, n: 0 }),
}

t.test('each kind brings its hypotheses: shares above a cap, values that are missing', (t) => {
  t.same(
    ALL.hypotheses.map((h) => [h.id, h.source.of, h.better, h.required]),
    [
      ['conversion', 'conversion', 'higher', true],
      ['revenue', 'sum', 'higher', true],
      ['revenue/above-cap', 'above-cap', 'higher', true],
      ['basket', 'mean', 'higher', true],
      ['basket/above-cap', 'above-cap', 'higher', true],
      ['basket/label-missing', 'label-missing', 'lower', false],
      ['clicks', 'ratio', 'higher', true],
      ['tokens', 'mean', 'lower', true],
      ['tokens/above-cap', 'above-cap', 'lower', true],
      ['tokens/label-missing', 'label-missing', 'lower', false],
    ],
  )
  t.match(byId('revenue/above-cap').source, { among: 'drawn', windowMs: 2000 })
  t.match(byId('basket/above-cap').source, { among: 'values' })
  t.match(byId('basket/label-missing').source, { among: 'drawn' })
  t.match(byId('tokens/label-missing').source, { among: 'observed', windowMs: 0 })
  t.end()
})

t.test(
  'where higher is better a share above the cap may fall, and nothing of it is proved',
  (t) => {
    t.match(byId('revenue/above-cap'), { harm: { ratio: 1 / 1.5 }, proof: null })
    t.match(byId('tokens/above-cap'), { harm: { ratio: 1.5 }, proof: { ratio: 1.5, floor: 0.005 } })
    const cost = { ...REVENUE, better: 'lower' as const }
    t.match(hypotheses(cost)[1], { better: 'lower', proof: { floor: 0.005 } })
    t.end()
  },
)

t.test('a conversion that should be rare may rise by its floor', (t) => {
  const complaint = { ...CONVERSION, better: 'lower' as const, maxChange: 0.1, floor: 0.001 }
  t.match(hypotheses(complaint)[0], {
    better: 'lower',
    harm: { ratio: 1.1 },
    proof: { ratio: 1.1, floor: 0.001 },
  })
  t.match(hypotheses(CONVERSION)[0], { harm: { ratio: 0.95 }, proof: { ratio: 0.95, floor: 0 } })
  t.end()
})

t.test('with a limit alone the values are booked, and nothing is compared', (t) => {
  const limited = { ...BASKET, maxChange: null, min: 2 }
  t.same(
    hypotheses(limited).map((h) => [h.id, h.required, h.harm.alpha, h.proof]),
    [
      ['basket', false, 0, null],
      ['basket/label-missing', false, 0.001, null],
    ],
  )
  t.end()
})

t.test('every drawn unit is judged: those without an event count as 0', (t) => {
  const terms = {
    thresholds: {},
    bets: { revenue: { centre: 2, cap: 10, harm: [-0.02], proof: [0.01] } },
    caps: { revenue: 10, clicks: 3 },
  }
  const waited = cohort(ALL, {
    assigned: [80, 20],
    observed: [8, 2],
    terms,
    tallies: {
      conversion: { ...events([0, 0], [8, 1]), harmUnits: [[], []] },
      revenue: {
        ...bets([0, 0], [0, 0], 0),
        sum: [30, 4],
        sumSq: [130, 16],
        harm: [0.5],
        proof: [0],
      },
      'revenue/above-cap': events([0, 0], [3, 1]),
      'basket/above-cap': events([7, 1], [2, 0]),
      'basket/label-missing': events([8, 1], [0, 0]),
      'tokens/label-missing': events([7, 2], [0, 0]),
    },
  })
  const complete = (id: string, of: Cohort = waited) => completeTally(of, byId(id), of.tallies[id]!)
  t.match(complete('conversion'), { trials: [80, 20], events: [8, 1], harmEvents: [8, 1] })
  t.match(complete('revenue/above-cap'), { trials: [80, 20], events: [3, 1] })
  t.match(complete('basket/above-cap'), { trials: [7, 1] }, 'of those that have a value')
  t.match(complete('basket/label-missing'), { trials: [80, 20], events: [72, 19] })
  t.match(complete('tokens/label-missing'), { trials: [8, 2], events: [1, 0] })
  t.match(complete('clicks'), { n: [80, 20], harm: [0, 0, 0, 0, 0, 0, 0] })
  t.equal(complete('basket'), waited.tallies['basket'])
  const revenue = complete('revenue') as BetTally
  t.match(revenue, { n: [80, 20], sum: [30, 4], sumSq: [130, 16] })
  const zero = (side: 0 | 1, bet: number) => Math.log1p(bet * betTerm(side, 0, 0.2, 0.95, 2))
  t.ok(Math.abs(revenue.harm[0]! - (0.5 + 80 * zero(0, -0.02) + 20 * zero(1, -0.02))) < 1e-12)
  t.ok(Math.abs(revenue.proof[0]! - (80 * zero(0, 0.01) + 20 * zero(1, 0.01))) < 1e-12)
  t.same((waited.tallies['revenue'] as BetTally).harm, [0.5], "the cohort's own stays as it is")
  const early = { ...waited, terms: { ...terms, bets: {} } }
  t.match(complete('revenue', early), { n: [80, 20], harm: [0.5] }, 'no bets were made yet')
  const uncapped = { ...waited, terms: { ...terms, bets: {}, caps: {} } }
  t.match(complete('revenue', uncapped), { n: [0, 0] }, 'without a cap nothing is judged')
  t.same((complete('revenue/above-cap', uncapped) as EventTally).trials, [0, 0])
  t.end()
})

t.test('bets on a ratio are made from both counts of the baseline', (t) => {
  const denominator = { sum: [200, 60], sumSq: [500, 200], cross: [120, 20] }
  const tally = { ...bets([100, 20], [0.5, 9], 0.25), denominator } as BetTally
  const evidence = evidenceOf(ALL, [
    cohort(ALL, { assigned: [100, 20], tallies: { clicks: tally } }),
  ])
  const terms = publishTerms(ALL.hypotheses, evidence, 0.2, () => null)
  t.match(terms.caps, { revenue: 10, basket: 10, clicks: 3, tokens: 10 })
  // R = 50 / 200, d̄ = 2, Σ(num − R·den)² = 50 − 0.5 · 120 + 0.0625 · 500.
  // The canary's d̄ is 3, with a variance of 1 against 1: q = 1.5, drawn to 1 by its own variance.
  const lift = 1 + 0.5 * (1 - (1.5 ** 2 * (1 / 100 / 4 + 1 / 20 / 9)) / 0.25)
  const basis = { pi: 0.2, centre: 0.25, denominatorMean: 2, variance: 0.2125, cap: 3, lift }
  const { clicks } = terms.bets
  t.match(clicks, { centre: 0.25, cap: 3 })
  t.ok(Math.abs(clicks!.lift! - lift) < 1e-12)
  const expected = ratioBets({ ...basis, ratio: 0.95 }, 'below')
  t.ok(clicks!.harm.every((bet, n) => Math.abs(bet - expected[n]!) < 1e-12))
  t.ok(clicks!.proof.every((bet) => bet > 0))
  t.end()
})

t.test('values are shown in their own units', (t) => {
  const denominator = { sum: [400, 100], sumSq: [1000, 250], cross: [300, 70] }
  const evidence = evidenceOf(ALL, [
    cohort(ALL, {
      assigned: [200, 50],
      terms: { thresholds: {}, bets: {}, caps: { revenue: 10, clicks: 3 } },
      tallies: {
        conversion: events([0, 0], [20, 4]),
        revenue: { ...bets([0, 0], [0, 0], 0), sum: [300, 60], sumSq: [1200, 200] },
        clicks: {
          ...bets([0, 0], [0, 0], 0),
          sum: [100, 20],
          sumSq: [150, 30],
          denominator,
        } as BetTally,
      },
    }),
  ])
  const named = (id: string) => judge(ALL, evidence, CONTEXT).find((r) => r.name === id)!
  const shown = (id: string) => {
    const { kind, baseline, canary } = named(id)
    return [baseline, canary].map(({ value, n }) => [formatValue(kind, value), n])
  }
  t.same(shown('conversion'), [
    ['10 %', 200],
    ['8 %', 50],
  ])
  t.same(shown('revenue'), [
    ['1.5', 200],
    ['1.2', 50],
  ])
  t.same(shown('clicks'), [
    ['0.25', 200],
    ['0.2', 50],
  ])
  t.same(shown('basket'), [
    ['no data', 0],
    ['no data', 0],
  ])
  t.equal(named('revenue').cap, 10)
  t.equal(named('clicks').cap, null)
  t.equal(named('conversion').ratio?.method, 'exact')
  t.match(named('clicks').ratio, { method: 'asymptotic' })
  t.ok(Math.abs(named('clicks').ratio!.estimate - 0.8) < 1e-9)
  t.type(named('clicks').etaSeconds, 'number')
  t.same([named('conversion').stepCanaryN, named('clicks').stepCanaryN], [50, 50])
  t.end()
})

t.test('a step waits for what its value metrics need to be judged by', (t) => {
  const metrics = [ERRORS, CONVERSION, BASKET, TOKENS, { ...CLICKS, mode: 'report' as const }, RMSE]
  const asked = plan({ analysis: { metrics } })
  const reports = ['conversion', 'basket', 'tokens', 'clicks', 'rmse'].map((name) =>
    report({ name, stepCanaryN: 40 }),
  )
  const missing = missingFor(asked, state(), seen({ reports }))
  t.same(
    missing.map((m) => m.sentence),
    [
      'conversion: 40 of 100 canary requests judged in this step, each waits 2s for its events',
      'basket: 40 of 100 canary requests judged in this step, each waits 2s for its events',
      'tokens: 40 of 100 canary requests judged in this step',
      'rmse: 40 of 100 canary labels in this step',
    ],
  )
  const patient = plan({ analysis: { metrics: [{ ...TOKENS, windowMs: 600_000 }] } })
  t.match(
    missingFor(patient, state(), seen({ reports })).map((m) => m.sentence),
    [
      'tokens: 40 of 100 canary requests judged in this step, each waits 10m for the end of its answer',
    ],
  )
  t.end()
})

t.test('limits of totals, ratios and conversions are judged from 100 units', (t) => {
  const metrics = [
    { ...CONVERSION, min: 0.02 },
    { ...REVENUE, min: 1 },
    { ...CLICKS, min: 1 },
    { ...BASKET, min: 1, minLabels: 300 },
  ]
  const at = (n: number) =>
    readLimits(metrics, {
      failureRate: () => ({ value: null, n: 0 }),
      latency: () => ({ value: null, n: 0 }),
      value: () => ({ value: 0, n }),
    }).map((r) => r.tooFew)
  t.same(at(99), [true, true, true, true])
  t.same(at(100), [false, false, false, true])
  t.same(at(300), [false, false, false, false])
  t.end()
})

t.test('a side has the share or the mean of its step, and none before its first unit', (t) => {
  const caps = { revenue: 10 }
  const none = cohort(ALL)
  const first = cohort(ALL, {
    number: 2,
    step: 1,
    assigned: [40, 10],
    tallies: { conversion: events([0, 0], [4, 1]), revenue: bets([40, 10], [2, 3], 1) },
    terms: { ...none.terms, caps },
  })
  const before = cohort(ALL, { tallies: { conversion: events([0, 0], [9, 9]) } })
  const shown = (id: string, cohorts: Cohort[], side: 0 | 1) =>
    stepValue(
      byId(id).source,
      evidenceOf(ALL, cohorts).hypotheses[id] as EventEvidence | BetEvidence,
      side,
    )
  t.same(shown('conversion', [before, first], 0), { value: 0.1, n: 40 })
  t.same(shown('conversion', [before, first], 1), { value: 0.1, n: 10 })
  t.same(shown('revenue', [before, first], 1), { value: 3, n: 10 })
  t.same(shown('conversion', [none], 1), { value: null, n: 0 })
  t.same(shown('revenue', [none], 1), { value: null, n: 0 })
  t.end()
})

t.test(
  'margins of conversions may change in an attempt; those of values, and what is read, not',
  (t) => {
    const identity = (metric: MetricSpec) =>
      plan({ analysis: { metrics: [metric] } }).fingerprint.analysis
    t.equal(identity({ ...CONVERSION, maxChange: 0.2 }), identity(CONVERSION))
    t.equal(identity({ ...BASKET, minLabels: 7 }), identity(BASKET))
    for (const [before, after] of [
      [REVENUE, { ...REVENUE, maxChange: 0.2 }],
      [REVENUE, { ...REVENUE, cap: 11 }],
      [REVENUE, { ...REVENUE, field: null }],
      [CONVERSION, { ...CONVERSION, event: 'visit' }],
      [CONVERSION, { ...CONVERSION, windowMs: 1 }],
      [BASKET, { ...BASKET, from: TOKENS.from }],
      [CLICKS, { ...CLICKS, denominator: 'visit' }],
    ] as const) {
      t.not(identity(after), identity(before), JSON.stringify(after))
    }
    t.end()
  },
)

t.test('what metrics read of events and answers is known by name', (t) => {
  const metrics = [ERRORS, CONVERSION, REVENUE, { ...REVENUE, field: null }, BASKET, CLICKS, TOKENS]
  const fields = eventFieldsOf(metrics)
  t.same([...fields.keys()], ['purchase', 'click', 'view'])
  const any = [
    ['amount', 'any'],
    [null, 'any'],
  ]
  t.same([...fields.get('purchase')!], any, 'a total takes refunds, also beside a mean')
  t.same([...eventFieldsOf([BASKET, REVENUE]).get('purchase')!], [['amount', 'any']])
  t.same([...eventFieldsOf([BASKET, BASKET]).get('purchase')!], [['amount', 'from 0']])
  t.same([...fields.get('click')!], [])
  t.same(answerPointersOf([...metrics, { ...TOKENS, name: 'again' }]), ['/tokens'])
  t.end()
})

const GIVEN: Traffic = {
  unitsPerSecond: 100,
  from: 'given',
  errorRate: null,
  evidence: null,
  exceedance: null,
}

t.test('what is known of events is forecast, the rest of it assumed and said so', (t) => {
  const metrics = [CONVERSION, { ...REVENUE, cap: null }, BASKET, CLICKS, TOKENS]
  const all = plan({ analysis: { metrics } })
  const found = forecast(all, GIVEN)
  t.same(
    found.baseline.map(({ name, text, from }) => [name, text, from]),
    [
      ['conversion', '5 %', 'assumed'],
      ['revenue', '0, or exponential for 5 %', 'assumed'],
      ['basket', 'exponential for 5 % of the units', 'assumed'],
      ['clicks', '5 % of the others, one by each unit', 'assumed'],
      ['tokens', 'exponential values', 'assumed'],
      ['tokens/above-cap', '0.1 %', 'assumed'],
    ],
  )
  const begin = found.steps[0]!
  for (const { name, prove } of begin.metrics) t.ok(Number.isFinite(prove.p80Seconds), name)
  const minimum = (name: string) => begin.minimums.find((m) => m.name === name)!.seconds
  t.ok(minimum('minRequests of revenue') > minimum('minRequests of conversion'), 'a cap is taught')
  t.ok(minimum('minLabels of basket') > 0)

  const rates = new Map([
    ['conversion', 0.3],
    ['revenue', 0.5],
    ['clicks', 0.2],
  ])
  const given = forecast(all, { ...GIVEN, rates })
  t.match(given.baseline, [
    { value: 0.3, text: '30 %', from: 'given' },
    { value: null, text: '0, or exponential for 50 %', from: 'given' },
    { from: 'assumed' },
    { value: 0.2, text: '20 % of the others, one by each unit', from: 'given' },
  ])
  const taught = (of: typeof given) =>
    of.steps[0]!.minimums.find((m) => m.name === 'minRequests of revenue')!.seconds
  t.ok(taught(given) < taught(found) / 2, 'totals come more often, and teach a cap sooner')

  const counts = events([400, 400], [40, 40])
  const tallies = {
    conversion: counts,
    revenue: bets([400, 400], [2, 2], 4),
    basket: bets([400, 400], [3, 3], 1),
    clicks: {
      ...bets([400, 400], [1, 1], 1),
      denominator: {
        sum: [800, 800] as Pair,
        sumSq: [1700, 1700] as Pair,
        cross: [850, 850] as Pair,
      },
    },
  }
  const first = cohort(all, { assigned: [400, 400], tallies })
  const evidence = evidenceOf(all, [first], { caps: { revenue: 9 } })
  const observed = forecast(all, { ...GIVEN, evidence })
  t.match(observed.baseline, [
    { name: 'conversion', text: '10 %', from: 'observed' },
    { name: 'revenue', value: 2, from: 'observed' },
    { name: 'basket', text: '3', value: 3, from: 'observed' },
    { name: 'clicks', text: '0.5', value: 0.5, from: 'observed' },
  ])
  t.end()
})

t.test('a proof that more is better has a time too', (t) => {
  const first = cohort(ALL, {
    assigned: [4000, 1000],
    tallies: { conversion: events([0, 0], [400, 104]) },
  })
  const reports = judge(ALL, evidenceOf(ALL, [first]), CONTEXT)
  const { etaSeconds } = reports.find((r) => r.name === 'conversion')!
  t.ok(etaSeconds! > 0 && Number.isFinite(etaSeconds), `${etaSeconds}`)
  t.end()
})

t.test('another margin of totals is judged again by their values, another cap is not', (t) => {
  const other = (change: Partial<MetricSpec>) =>
    plan({ analysis: { metrics: [{ ...REVENUE, ...change } as MetricSpec] } })
  const kind = (of: RolloutPlan) => fidelities(other({}), of, [])[0]
  t.match(kind(other({})), { id: 'revenue', kind: 'exact' })
  t.match(kind(other({ maxChange: 0.3 })), { kind: 'approximate', rebet: true })
  t.match(kind(other({ cap: 20 })), { kind: 'not-recorded', note: /another kind, score or cap/ })
  t.end()
})

t.test('made-up traffic converts as it is told, else alike', (t) => {
  const random = createRandom(5)
  const ends = (values: Readonly<Record<string, readonly [number, number]>>) =>
    Array.from(
      { length: 5 },
      () =>
        rehearseSynthetic(
          plan({ analysis: { metrics: [{ ...CONVERSION, maxChange: 0.2 }] } }),
          { requestsPerSecond: 200, failures: [0, 0], latencyRatio: 1, values, eventRates: {} },
          random,
        ).end,
    )
  t.same(new Set(ends({ conversion: [0.2, 0.1] })), new Set(['rolled-back']))
  t.ok(ends({}).filter((end) => end === 'promoted').length >= 4)
  t.end()
})
