import t from 'tap'
import type { Cohort, CohortTerms, Side } from '../../src/domain/cohort.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { DRIFT, ERRORS, ManualClock, rolloutSpec, service } from '../fakes/simulated-service.ts'

const AGE: MetricSpec = { ...DRIFT, name: 'age', of: { pointer: '/age' } }
const BINS = { drift: [0, 1], age: [40], 'drift@gold': [5] }

function build(metrics: readonly MetricSpec[], keyed = false) {
  const { analysis } = rolloutSpec({ analysis: { metrics } })
  const ledger = new CohortLedger(buildHypotheses(analysis), keyed, 1000)
  const clock = new ManualClock()
  const of = service(rolloutSpec({ analysis: { metrics } }), keyed)
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous: null })
  book.useLedger(ledger, '1.4->2.0#1')
  const open = (number: number, bins?: CohortTerms['bins'], judged = true): Cohort =>
    ledger.open({
      number,
      rollout: '1.4->2.0#1',
      step: 0,
      pi: 0.2,
      epoch: 0,
      judged,
      now: clock.ms,
      terms: { thresholds: {}, bets: {}, caps: {}, ...(bins === undefined ? {} : { bins }) },
    })
  const request = (
    side: Side,
    prediction: number | null,
    more: { unit?: number; segment?: string; age?: number } = {},
  ) => {
    const ticket = book.begin(
      {
        variant: side === 0 ? 'baseline' : 'canary',
        reason: more.unit === undefined ? 'random' : 'key',
        unit: more.unit ?? null,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
        segment: more.segment ?? null,
        numbers: more.age === undefined ? null : new Map([['/age', more.age]]),
      },
      'r',
    )
    book.end(ticket, 'ok', 200, 1)
    book.predicted(ticket, prediction)
    return ticket
  }
  return { ledger, book, open, request }
}

t.test('predictions and numbers of requests are counted by bin and side', (t) => {
  const { open, request } = build([ERRORS, DRIFT, AGE])
  const { tallies } = open(1, BINS)
  request(0, -3, { age: 30 })
  request(0, 0.5)
  request(1, 7, { age: 41 })
  request(1, null)
  t.same(tallies['drift'], { kind: 'drift', baseline: [1, 1, 0], canary: [0, 0, 1] })
  t.same(tallies['age'], { kind: 'drift', baseline: [1, 0], canary: [0, 1] })
  t.match(tallies['errors'], { trials: [2, 2] })
  t.end()
})

t.test('with keys a key counts once, by its first judged request', (t) => {
  const { open, request } = build([DRIFT, AGE], true)
  const { tallies } = open(1, BINS)
  request(1, 7, { unit: 5, age: 30 })
  request(1, -7, { unit: 5, age: 50 })
  t.same(tallies['drift'], { kind: 'drift', baseline: [0, 0, 0], canary: [0, 0, 1] })
  t.same(tallies['age'], { kind: 'drift', baseline: [0, 0], canary: [1, 0] })
  t.end()
})

t.test('a drift by segment counts the requests of its segment alone', (t) => {
  const { open, request } = build([{ ...DRIFT, segments: ['gold'] }])
  const { tallies } = open(1, BINS)
  request(0, 9, { segment: 'gold' })
  request(1, 9, { segment: 'other' })
  t.match(tallies['drift'], { baseline: [0, 0, 1], canary: [0, 0, 1] })
  t.match(tallies['drift@gold'], { baseline: [0, 1], canary: [0, 0] })
  t.end()
})

t.test('warm-up, and cohorts of another attempt, count nothing', (t) => {
  const { open, request, book, ledger } = build([DRIFT])
  const { tallies } = open(1, BINS, false)
  request(1, 7)
  t.match(tallies['drift'], { canary: [0, 0, 0] })
  const before = open(2, BINS)
  const ticket = request(1, 7)
  ledger.drop(2)
  book.predicted(ticket, 7)
  t.match(before.tallies['drift'], { canary: [0, 0, 1] })
  t.end()
})

t.test("the baseline's first values teach the bins, once, and are not judged", (t) => {
  const { open, request, ledger } = build([DRIFT])
  const { tallies } = open(1)
  t.equal(ledger.takeLearntEdges('drift'), null)
  for (let i = 1; i < 500; i++) request(0, i)
  for (let i = 0; i < 500; i++) request(1, 1e6)
  t.equal(ledger.takeLearntEdges('drift'), null, 'the canary teaches nothing')
  for (let i = 500; i < 600; i++) request(0, i)
  t.same(tallies['drift'], { kind: 'drift', baseline: [], canary: [] })
  t.same(ledger.takeLearntEdges('drift'), [50, 100, 150, 200, 250, 300, 350, 400, 450])
  t.equal(ledger.takeLearntEdges('drift'), null)
  t.end()
})
