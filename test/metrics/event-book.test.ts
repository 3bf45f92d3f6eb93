import t from 'tap'
import type { BetTally, BetTerms, Cohort, EventTally, Side } from '../../src/domain/cohort.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { FeedbackEvent, Prediction } from '../../src/domain/prediction.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { completeTally } from '../../src/rollout/complete-tally.ts'
import { betTerm } from '../../src/statistics/mean-bet.ts'
import {
  BASKET,
  CLICKS,
  CONVERSION,
  REVENUE,
  TOKENS,
  rolloutSpec,
} from '../fakes/simulated-service.ts'

const never = () => false

function world(metrics: readonly MetricSpec[], terms: Partial<Cohort['terms']> = {}) {
  const ledger = new CohortLedger(
    buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis),
    false,
    100,
  )
  const cohort = ledger.open({
    number: 1,
    rollout: 'r',
    step: 0,
    pi: 0.2,
    epoch: 0,
    judged: true,
    now: 0,
    terms: { thresholds: {}, bets: {}, caps: {}, ...terms },
  })
  return { ledger, tallies: cohort.tallies, cohort }
}

const prediction = (side: Side, change: Partial<Prediction> = {}): Prediction => ({
  service: 's',
  requestId: 'r',
  value: null,
  at: 1000,
  rollout: 'r',
  cohort: 1,
  side,
  variant: '',
  unit: null,
  ...change,
})

const event = (name: string, amount: number | null = null, at = 1500): FeedbackEvent => ({
  name,
  value: null,
  values: amount === null ? null : { amount },
  at,
})

t.test('a unit converts once, however often it comes back', (t) => {
  const { ledger, tallies } = world([CONVERSION])
  const first = ledger.event(prediction(1), [], event('purchase'), never)
  t.same(first, { result: 'joined', totals: [1], metrics: 1, changed: null })
  const again = ledger.event(prediction(1), first.totals, event('purchase'), never)
  t.same(again.totals, [1])
  t.match(tallies['conversion'], { trials: [0, 0], events: [0, 1], harmEvents: [0, 1] })
  t.end()
})

t.test('totals add up to the cap, and bets follow the total', (t) => {
  const bets: Record<string, BetTerms> = {
    revenue: { centre: 2, cap: 10, harm: [-0.01], proof: [0.01] },
  }
  const { ledger, tallies } = world([REVENUE], { caps: { revenue: 10 }, bets })
  let totals: readonly number[] = []
  for (const amount of [4, 3, 8, -7, -20]) {
    totals = ledger.event(prediction(0), totals, event('purchase', amount), never).totals
    const y = Math.min(Math.max(0, totals[0]!), 10)
    const revenue = tallies['revenue'] as BetTally
    t.match(revenue, { n: [0, 0], sum: [y, 0], sumSq: [y * y, 0] })
    const change =
      Math.log1p(-0.01 * betTerm(0, y, 0.2, 0.95, 2)) -
      Math.log1p(-0.01 * betTerm(0, 0, 0.2, 0.95, 2))
    t.ok(Math.abs(revenue.harm[0]! - change) < 1e-12)
    t.match(tallies['revenue/above-cap'], { events: [Number(totals[0]! > 10), 0] })
    const [n, total] = Object.entries(revenue.bins![0]).reduce(
      (all, [index, [units, sum]]) => (index === 'zero' ? all : [all[0] + units, all[1] + sum]),
      [0, 0],
    )
    t.same([n, total], y === 0 ? [0, 0] : [1, y], 'and so do its bins')
  }
  t.same(totals, [-12], 'refunds count against it')
  t.end()
})

t.test('where less is better, a canary has totals above the cap beyond its margin', (t) => {
  const costs = { ...REVENUE, better: 'lower', maxChange: 0.2 } as const
  const { ledger, tallies } = world([costs], { caps: { revenue: 10 } })
  let totals: readonly number[] = []
  const above: number[] = []
  for (const amount of [11, 2, -2]) {
    totals = ledger.event(prediction(1), totals, event('purchase', amount), never).totals
    above.push((tallies['revenue/above-cap'] as EventTally).events[1])
  }
  t.same(above, [0, 1, 0], '11, 13 and 11 of 12')
  t.end()
})

t.test('a total that cannot be written any more stays a number', (t) => {
  const { ledger, tallies } = world([REVENUE], { caps: { revenue: 10 } })
  let totals: readonly number[] = []
  for (const amount of [1e308, 1.7e308, -1.7e308, -1.7e308, 5]) {
    totals = ledger.event(prediction(0), totals, event('purchase', amount), never).totals
  }
  t.ok(Number.isFinite(totals[0]))
  t.ok(Number.isFinite((tallies['revenue'] as BetTally).sum[0]))
  t.end()
})

t.test('without a cap the totals of baseline units with events teach one', (t) => {
  const { ledger, tallies } = world([{ ...REVENUE, cap: null }])
  for (let i = 0; i < 1000; i++) {
    const first = ledger.event(prediction(0), [], event('purchase', 1 + (i % 10)), never)
    ledger.event(prediction(0), first.totals, event('purchase', 10), never)
    ledger.event(prediction(1), [], event('purchase', 1e6), never)
    ledger.event(prediction(0), [], event('purchase', 0), never)
  }
  t.match(tallies['revenue'], { sum: [0, 0] }, 'they are not judged')
  t.equal(ledger.takeLearntCap('revenue', 0), 20)
  t.end()
})

t.test("a mean takes a unit's first number, and misses the units without one", (t) => {
  const { ledger, tallies } = world([BASKET], { caps: { basket: 10 } })
  const first = ledger.event(prediction(1), [], event('purchase', 4), never)
  ledger.event(prediction(1), first.totals, event('purchase', 9), never)
  ledger.event(prediction(0), [], event('purchase', 99), never)
  ledger.event(prediction(0), [], event('purchase', 0), never)
  t.match(tallies['basket'], { n: [2, 1], sum: [10, 4], sumSq: [100, 16] })
  t.match(tallies['basket/above-cap'], { trials: [2, 1], events: [1, 0] })
  t.match(tallies['basket/label-missing'], { trials: [2, 1] })
  t.end()
})

t.test('a number below 0 counts for a total, and is none for a mean', (t) => {
  const { ledger, tallies } = world([REVENUE, BASKET], { caps: { revenue: 10, basket: 10 } })
  const refund = ledger.event(prediction(1), [], event('purchase', -3), never)
  t.match(refund, { result: 'joined', totals: [-3, NaN, NaN], metrics: 1 })
  t.match(tallies['basket'], { n: [0, 0], sum: [0, 0] })
  t.match(tallies['basket/label-missing'], { trials: [0, 0] }, 'the unit is missed')
  t.match(ledger.event(prediction(1), [], event('purchase'), never), { totals: [0, NaN, NaN] })
  ledger.event(prediction(1), refund.totals, event('purchase', 8), never)
  t.match([tallies['revenue'], tallies['basket']], [{ sum: [0, 5] }, { n: [0, 1], sum: [0, 8] }])
  t.equal(
    ledger.event(prediction(0), [], event('purchase', -3), (id) => id === 'revenue').result,
    'late',
    'it is too late for whom it was for',
  )
  t.end()
})

t.test('the first number is that of the earliest event, in whichever order they come', (t) => {
  const bets = { basket: { centre: 3, cap: 10, harm: [-0.01], proof: [0.01] } }
  const segments = ['gold']
  const events = [
    event('purchase', 4, 1500),
    event('purchase', 99, 1400),
    event('purchase', 7, 1300),
  ]
  const booked = [events, events.toReversed()].map((order) => {
    const { ledger, tallies } = world([{ ...BASKET, segments }], { caps: { basket: 10 }, bets })
    let totals: readonly number[] = []
    for (const each of [...order, event('purchase', 1, 1300)]) {
      totals = ledger.event(prediction(1, { segment: 'gold' }), totals, each, never).totals
    }
    return { totals, tallies }
  })
  t.same(
    booked.map(({ totals }) => totals),
    [
      [7, 1300],
      [7, 1300],
    ],
  )
  for (const { tallies } of booked) {
    for (const of of ['', '@gold']) {
      t.match(tallies[`basket${of}`], { n: [0, 1], sum: [0, 7], sumSq: [0, 49] })
      t.match(tallies[`basket/above-cap${of}`], { trials: [0, 1], events: [0, 0] })
      t.match(tallies[`basket/label-missing${of}`], { trials: [0, 1] })
    }
  }
  const [harm, known] = booked.map(({ tallies }) => (tallies['basket'] as BetTally).harm[0]!)
  t.ok(known !== 0 && Math.abs(harm! - known!) < 1e-12)
  t.end()
})

t.test('a number that was stored without its time stays', (t) => {
  const { ledger, tallies } = world([BASKET, REVENUE], { caps: { basket: 10, revenue: 10 } })
  const { totals } = ledger.event(prediction(1), [4, 4], event('purchase', 1, 1001), never)
  t.same(totals, [4, 5, NaN])
  t.match([tallies['basket'], tallies['revenue']], [{ n: [0, 0] }, { sum: [0, 1] }])
  t.end()
})

t.test('a cap is taught by the numbers that stay', (t) => {
  const { ledger } = world([{ ...BASKET, cap: null }])
  const teach = (...numbers: readonly [number, ...number[]]) => {
    let totals: readonly number[] = []
    for (const [index, number] of numbers.entries()) {
      const each = event('purchase', number, 1500 - index)
      totals = ledger.event(prediction(0), totals, each, never).totals
    }
  }
  for (let n = 0; n < 999; n++) teach(1e6, 0, n === 0 ? 7 : 2)
  t.equal(ledger.takeLearntCap('basket', 0), null, 'each unit teaches once')
  teach(2)
  t.equal(ledger.takeLearntCap('basket', 0), 2, 'the 99.9 % quantile of what stayed')
  t.end()
})

t.test('a ratio counts both kinds of events, each up to its cap', (t) => {
  const bets = { clicks: { centre: 0.5, cap: 3, harm: [-0.1], proof: [0.1] } }
  const { ledger, tallies } = world([CLICKS], { caps: { clicks: 3 }, bets })
  let totals: readonly number[] = []
  for (const name of ['view', 'click', 'view', 'view', 'view', 'view', 'click']) {
    totals = ledger.event(prediction(1), totals, event(name), never).totals
  }
  t.same(totals, [2, 5])
  const clicks = tallies['clicks'] as BetTally
  t.match(clicks, { n: [0, 0], sum: [0, 2], sumSq: [0, 4] })
  t.same(clicks.denominator, { sum: [0, 3], sumSq: [0, 9], cross: [0, 6] })
  t.ok(Math.abs(clicks.harm[0]! - Math.log1p((-0.1 * (2 - 0.95 * 0.5 * 3)) / 0.2)) < 1e-12)
  t.end()
})

t.test('each metric has a window of its own, and takes nothing once it has folded', (t) => {
  const slow = { ...REVENUE, windowMs: 10_000 }
  const { ledger, tallies } = world([CONVERSION, slow], { caps: { revenue: 10 } })
  const at = (ms: number, isFolded: (id: string) => boolean = never) =>
    ledger.event(prediction(0), [], event('purchase', 1, ms), isFolded).result
  t.equal(at(3000), 'joined', 'the last moment of a window belongs to it')
  t.equal(at(3001), 'joined')
  t.match([tallies['conversion'], tallies['revenue']], [{ events: [1, 0] }, { sum: [2, 0] }])
  t.equal(
    at(2000, (id) => id === 'conversion'),
    'joined',
  )
  t.match([tallies['conversion'], tallies['revenue']], [{ events: [1, 0] }, { sum: [3, 0] }])
  t.equal(at(11_001), 'late')
  t.equal(
    at(2000, () => true),
    'late',
  )
  t.same(ledger.event(prediction(0), [7], event('other'), never), {
    result: 'late',
    metrics: 0,
    changed: null,
    totals: [7],
  })
  t.same(ledger.event(prediction(0, { cohort: 2 }), [7], event('purchase', 1), never), {
    result: 'late',
    metrics: 0,
    changed: null,
    totals: [7],
  })
  t.end()
})

t.test('an event of a stored cohort gives its tallies back, and a late one does not', (t) => {
  const { ledger, cohort } = world([CONVERSION, REVENUE])
  const after = world([CONVERSION, REVENUE]).ledger
  after.restore([cohort])
  const { changed } = after.event(prediction(1), [], event('purchase', 1), never)
  t.match(changed, { rollout: 'r', cohort: 1 })
  t.same(Object.keys(changed!.tallies), ['conversion', 'revenue', 'revenue/above-cap'])
  t.equal(after.event(prediction(1), [], event('purchase', 1, 9999), never).changed, null)
  t.equal(ledger.event(prediction(1), [], event('purchase', 1), never).changed, null)
  t.end()
})

t.test('numbers of answers are booked by their pointer, and store the cohort anew', (t) => {
  const { ledger, tallies, cohort } = world([TOKENS], { caps: { tokens: 10 } })
  const [slot] = ledger.slots()
  const ticket = { side: 1, cohort, slot } as never
  ledger.answer(ticket, { '/other': 1 })
  t.same(
    [...ledger.slots()].map((slot) => slot.stale),
    [false],
    'an answer without such a number changes nothing',
  )
  ledger.answer(ticket, { '/tokens': 7, '/other': 1 })
  ledger.answer(ticket, { '/tokens': -3 })
  ledger.answer(ticket, { '/tokens': null })
  ledger.answer(ticket, {})
  ledger.answer(ticket, { '/tokens': 0 })
  t.match(tallies['tokens'], { n: [0, 2], sum: [0, 7] })
  t.match(tallies['tokens/label-missing'], { trials: [0, 2] }, 'below 0 is missed')
  t.same(
    [...ledger.slots()].map((slot) => slot.stale),
    [true],
  )
  const takeStale = () => ledger.takeStale().map((slot) => slot.cohort.number)
  t.same([takeStale(), takeStale()], [[1], []], 'it is told once')
  ledger.answer(ticket, { '/tokens': 1e6 })
  t.same(takeStale(), [1], 'and again when it has changed again')
  ledger.drop(1)
  ledger.answer(ticket, { '/tokens': 7 })
  t.match(tallies['tokens'], { n: [0, 3] }, 'too late')
  t.end()
})

t.test('a segment counts the events of its own units, from the same totals', (t) => {
  const segments = ['gold']
  const metrics = [
    { ...CONVERSION, segments },
    { ...REVENUE, segments },
    { ...CLICKS, segments },
    { ...TOKENS, segments },
  ]
  const { ledger, tallies, cohort } = world(metrics, { caps: { revenue: 10, tokens: 5 } })
  for (const segment of ['gold', 'other', null]) ledger.assign(1, null, true, segment)
  const gold = { segment: 'gold' }
  let { totals } = ledger.event(prediction(1, gold), [], event('purchase', 4), never)
  ;({ totals } = ledger.event(prediction(1, gold), totals, event('purchase', 8), never))
  ;({ totals } = ledger.event(prediction(1, gold), totals, event('click'), never))
  t.same(totals, [1, 12, 1, 0], 'places are those of the metrics')
  ledger.event(prediction(1, { segment: 'other' }), [], event('purchase', 3), never)
  t.match(
    [tallies['conversion'], tallies['conversion@gold']],
    [{ events: [0, 2] }, { events: [0, 1] }],
  )
  t.match([tallies['revenue'], tallies['revenue@gold']], [{ sum: [0, 13] }, { sum: [0, 10] }])
  t.match(
    [tallies['revenue/above-cap'], tallies['revenue/above-cap@gold']],
    [{ events: [0, 1] }, { events: [0, 1] }],
  )
  t.match([tallies['clicks'], tallies['clicks@gold']], [{ sum: [0, 1] }, { sum: [0, 1] }])
  t.same(cohort.segments, { gold: { assigned: [0, 1], observed: [0, 1] } })
  t.ok(complete('conversion', 3), 'drawn with or without an event')
  t.ok(complete('conversion@gold', 1), 'of the segment alone')
  t.ok(complete('revenue@gold', 1), 'of the segment alone')
  t.end()

  function complete(id: string, canary: number): boolean {
    const hypothesis = buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis).find(
      (h) => h.id === id,
    )!
    const all = completeTally(cohort, hypothesis, tallies[id]!)
    return (all.kind === 'event' ? all.trials : (all as BetTally).n)[1] === canary
  }
})

t.test('a cap is taught by all units together, each once', (t) => {
  const { ledger } = world([{ ...BASKET, cap: null, segments: ['gold'] }])
  for (let n = 0; n < 999; n++) {
    ledger.event(prediction(0, { segment: 'gold' }), [], event('purchase', 1), never)
  }
  t.equal(ledger.takeLearntCap('basket', 0), null)
  ledger.event(prediction(0, { segment: 'gold' }), [], event('purchase', 1), never)
  t.equal(ledger.takeLearntCap('basket', 0), 1)
  t.end()
})
