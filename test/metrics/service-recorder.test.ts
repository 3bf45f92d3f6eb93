import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { bookRequest } from '../support/book-request.ts'
import { ManualClock, rolloutSpec, service } from '../fakes/simulated-service.ts'

function build(previous: ServiceBook | null = null, of = service(rolloutSpec())) {
  const clock = new ManualClock()
  const remembered: Prediction[] = []
  const book = new ServiceBook({
    service: of,
    clock,
    remember: (p) => remembered.push(p),
    previous,
  })
  const ledger = new CohortLedger(buildHypotheses(rolloutSpec().analysis), false, 100)
  book.useLedger(ledger, '1.4->2.0#1')
  const open = (number: number) =>
    ledger.open({
      number,
      rollout: '1.4->2.0#1',
      step: 0,
      pi: 0.2,
      epoch: 0,
      judged: true,
      now: clock.ms,
      terms: { thresholds: {}, bets: {}, caps: {} },
    })
  return { book, clock, ledger, open, remembered, canary: book.variants.get('canary')! }
}

function assigned(change: Partial<Assignment> = {}): Assignment {
  return {
    variant: 'canary',
    reason: 'random',
    unit: null,
    suppressed: false,
    keyMissing: false,
    overrideRefused: false,
    ...change,
  }
}

t.test('a request is in flight until its one outcome, which is booked to its variant', (t) => {
  const { book, clock, open, canary } = build()
  const cohort = open(1)
  const ticket = book.begin(assigned(), 'r1')
  t.same([canary.inFlight, book.lastRequestAt], [1, clock.ms])
  clock.ms += 30
  book.head(ticket)
  clock.ms += 12
  book.end(ticket, 'failed', 503, 40)
  book.end(ticket, 'ok', 200, 40)
  t.same([canary.inFlight, canary.requests, canary.errors], [0, 1, 1])
  t.match(cohort.tallies['errors'], { trials: [0, 1], events: [0, 1] })
  t.equal(canary.durations.cumulative().sumSeconds, 0.042)
  t.equal(canary.firstBytes.cumulative().sumSeconds, 0.03)
  t.equal(canary.overheads.cumulative().sumSeconds, 0.002)
  t.match(canary.attempts.within(clock.ms, 1000), { attempts: 1, failures: 1, clientErrors: 0 })
  t.match(canary.step, { requests: 1, failures: 1 })
  t.equal(book.variants.get('baseline')!.requests, 0)
  t.end()
})

t.test('a request that never reached an upstream has no overhead to tell', (t) => {
  const { book, canary } = build()
  book.end(book.begin(assigned(), 'r1'), 'rejected', 503, null)
  t.same(
    [canary.overheads.cumulative().count, canary.durations.cumulative().count, canary.errors],
    [0, 1, 0],
  )
  t.end()
})

t.test('rules are seen by the breaker and are no evidence; overrides are neither', (t) => {
  const { book, open, canary, clock } = build()
  const cohort = open(1)
  book.end(book.begin(assigned({ reason: 'rule' }), 'r1'), 'failed', 500, 1)
  book.end(book.begin(assigned({ reason: 'override' }), 'r2'), 'failed', 500, 1)
  t.same(cohort.assigned, [0, 0])
  t.match(canary.attempts.within(clock.ms, 1000), { attempts: 1, failures: 1, clientErrors: 0 })
  t.equal(canary.drawn.count, 0)
  t.equal(canary.requests, 2)
  t.end()
})

t.test('a variant beyond the two sides is counted and never compared', (t) => {
  const base = service(rolloutSpec())
  const third = {
    ...base,
    variants: [...base.variants, { ...base.variants[1]!, name: 'shadow', version: '3' }],
  }
  const { book, open } = build(null, third)
  const cohort = open(1)
  const ticket = book.begin(assigned({ variant: 'shadow' }), 'r1')
  book.end(ticket, 'ok', 200, 1)
  t.same([ticket.side, cohort.assigned], [null, [0, 0]])
  t.equal(book.variants.get('shadow')!.requests, 1)
  t.end()
})

t.test('what is odd about a request is noted', (t) => {
  const { book } = build()
  book.begin(assigned({ keyMissing: true, overrideRefused: true, suppressed: true }), 'r1')
  book.note('key_missing')
  t.same(
    [...book.notes],
    [
      ['key_missing', 2],
      ['override_refused', 1],
      ['rule_suppressed', 1],
    ],
  )
  book.begin(assigned(), 'r2')
  t.same(book.draws, { begun: 2, drawn: 2, unkeyed: 1 })
  t.end()
})

t.test('predictions are counted by variant, for one attempt', (t) => {
  const { book } = build()
  const canary = book.variants.get('canary')!
  book.predicted(book.begin(assigned({ variant: 'canary' }), 'r1'), 1)
  book.unreadable(book.begin(assigned({ variant: 'canary' }), 'r2'))
  t.same(canary.predictions, { looked: 2, unreadable: 1 })
  t.same(book.variants.get('baseline')!.predictions, { looked: 0, unreadable: 0 })
  t.same([...book.notes], [['prediction_unreadable', 1]])
  book.beginAttempt()
  t.same(canary.predictions, { looked: 0, unreadable: 0 })
  t.end()
})

t.test('a prediction is remembered with the cohort that judges it, or as no evidence', (t) => {
  const { book, open, remembered, clock } = build()
  book.predicted(book.begin(assigned(), 'before'), 1)
  open(5)
  book.predicted(book.begin(assigned(), 'judged'), 2)
  book.predicted(book.begin(assigned({ reason: 'rule', variant: 'baseline' }), 'rule'), null)
  book.predicted(book.begin(assigned({ reason: 'key', unit: 4 }), 'first'), 3)
  book.predicted(book.begin(assigned({ reason: 'key', unit: 4 }), 'again'), 3)
  t.same(
    remembered.map((p) => [p.requestId, p.cohort, p.side, p.value]),
    [
      ['before', -1, 1, 1],
      ['judged', 5, 1, 2],
      ['rule', -1, 0, null],
      ['first', 5, 1, 3],
      ['again', -1, 1, 3],
    ],
  )
  t.match(remembered[1], { service: 'svc', rollout: '1.4->2.0#1', variant: 'canary', at: clock.ms })
  t.end()
})

t.test('failures of an attempt are counted by their cause, overrides left out', (t) => {
  const { book, canary } = build()
  const begin = () => book.begin(assigned(), 'r')
  book.end(begin(), 'failed', 500, 1)
  book.end(begin(), 'failed', 502, null, 1, 'SERIN_UPSTREAM_REFUSED')
  book.end(begin(), 'no_answer', 504, 9, 1, 'SERIN_UPSTREAM_TOTAL_TIMEOUT')
  book.end(begin(), 'failed', 500, 1)
  book.end(begin(), 'ok', 200, 1)
  book.end(book.begin(assigned({ reason: 'override' }), 'r'), 'failed', 500, 1)
  t.same(
    [...canary.faults],
    [
      [500, 2],
      ['SERIN_UPSTREAM_REFUSED', 1],
      ['SERIN_UPSTREAM_TOTAL_TIMEOUT', 1],
    ],
  )
  book.beginAttempt()
  t.equal(canary.faults.size, 0)
  t.end()
})

t.test('without a rollout requests are counted and judged by nothing', (t) => {
  const { book, canary } = build()
  book.useLedger(null, '')
  const ticket = book.begin(assigned(), 'r1')
  book.end(ticket, 'ok', 200, 1)
  t.same([ticket.cohort, canary.requests, canary.drawn.count], [null, 1, 1])
  t.end()
})

t.test('an outcome that comes after another attempt began counts in no cohort of it', (t) => {
  const { book, open } = build()
  open(1)
  const ticket = book.begin(assigned(), 'r1')
  const next = new CohortLedger(buildHypotheses(rolloutSpec().analysis), false, 100)
  book.useLedger(next, '1.4->2.0#2')
  const cohort = next.open({
    number: 1,
    rollout: '1.4->2.0#2',
    step: 0,
    pi: 0.2,
    epoch: 0,
    judged: true,
    now: 0,
    terms: { thresholds: {}, bets: {}, caps: {} },
  })
  book.end(ticket, 'failed', 500, 1)
  t.match(cohort.tallies['errors'], { trials: [0, 0] })
  book.useLedger(null, '')
  book.end(book.begin(assigned(), 'r2'), 'ok', 200, 1)
  t.end()
})

t.test('counters go on over a reload, those of another version begin anew', (t) => {
  const first = build()
  first.book.end(first.book.begin(assigned(), 'r1'), 'ok', 200, 1)
  first.book.note('key_unreadable')
  const same = build(first.book)
  t.equal(same.canary, first.canary)
  t.equal(same.book.notes.get('key_unreadable'), 1)
  first.book.note('key_unreadable')
  first.book.fallback('ok')
  t.equal(same.book.notes.get('key_unreadable'), 2, 'what still comes to the old books is counted')
  t.equal(same.book.fallbacks.ok, 1)
  t.equal(same.book.lastRequestAt, first.book.lastRequestAt)
  const spec = service(rolloutSpec())
  const newer = { ...spec, variants: [spec.variants[0]!, { ...spec.variants[1]!, version: '3.0' }] }
  const other = build(first.book, newer)
  t.equal(other.canary.requests, 0)
  t.equal(other.book.variants.get('baseline'), first.book.variants.get('baseline'))
  t.end()
})

t.test(
  'latencies fade by half in ten minutes, and never by a clock that stands or goes back',
  (t) => {
    const { book, clock, canary } = build()
    for (let i = 0; i < 8; i++) book.end(book.begin(assigned(), `r${i}`), 'ok', 200, 1)
    book.fade(clock.ms)
    book.fade(clock.ms - 1000)
    t.equal(canary.drawn.count, 8)
    book.fade(clock.ms + 600_000)
    t.equal(Math.round(canary.drawn.count * 1000), 4000)
    t.end()
  },
)

t.test('answers with a 4xx are counted apart: no failures, and none of overrides', (t) => {
  const { book, canary, clock } = build()
  book.end(book.begin(assigned(), 'r1'), 'ok', 404, 1)
  book.end(book.begin(assigned(), 'r2'), 'ok', 422, 1)
  book.end(book.begin(assigned(), 'r3'), 'ok', 404, 1)
  book.end(book.begin(assigned(), 'r4'), 'failed', 429, 1)
  book.end(book.begin({ ...assigned(), reason: 'override' }, 'r5'), 'ok', 404, 1)
  t.match(canary.attempts.within(clock.ms, 1000), { attempts: 4, failures: 1, clientErrors: 3 })
  t.same(
    [...canary.clientErrors],
    [
      [404, 2],
      [422, 1],
    ],
  )
  t.same([...canary.faults], [[429, 1]])
  book.beginStep()
  t.same(canary.lastStep, { failures: 0.25, unserved: 1, unanswered: 0.25 })
  book.beginAttempt()
  t.equal(canary.clientErrors.size, 0)
  t.equal(canary.attempts.within(clock.ms, 1000).clientErrors, 0)
  t.end()
})

t.test(
  'clients that leave before an answer are counted for the breaker, and others are not',
  (t) => {
    const { book, canary, clock } = build()
    book.end(book.begin(assigned(), 'r1'), 'client_closed', 499, 1)
    const stream = book.begin(assigned(), 'r2')
    book.head(stream)
    book.end(stream, 'client_closed', 200, 1)
    for (const status of [400, 408, 413, 431]) {
      book.end(book.begin(assigned(), 'r3'), 'client_closed', status, 1)
    }
    book.end(book.begin(assigned(), 'r4'), 'ok', 499, 1)
    book.end(book.begin(assigned(), 'r5'), 'rejected', 503, 1)
    book.end(book.begin({ ...assigned(), reason: 'override' }, 'r6'), 'client_closed', 499, 1)
    const seen = { attempts: 8, failures: 0, clientErrors: 1, left: 1 }
    t.match(canary.attempts.within(clock.ms, 1000), seen)
    t.equal(canary.errors, 0)
    book.beginStep()
    t.same(canary.lastStep, { failures: 0, unserved: 1 / 8, unanswered: 1 / 8 })
    book.forgetAttempts()
    t.equal(canary.attempts.within(clock.ms, 1000).attempts, 0)
    t.end()
  },
)

t.test(
  'a step begins with new figures and keeps the rate of the last one that had traffic',
  (t) => {
    const { book, canary, clock } = build()
    book.end(book.begin(assigned(), 'r1'), 'failed', 500, 1)
    book.end(book.begin(assigned(), 'r2'), 'ok', 200, 1)
    book.beginStep()
    t.same([canary.lastStep?.failures, canary.step.requests], [0.5, 0])
    book.beginStep()
    t.equal(canary.lastStep?.failures, 0.5, 'a step without traffic says nothing')
    t.equal(canary.attempts.within(clock.ms, 1000).attempts, 2)
    book.beginAttempt()
    t.equal(canary.attempts.within(clock.ms, 1000).attempts, 0)
    t.end()
  },
)

t.test('requests and attempts are counted by series; odd codes share one', (t) => {
  const book = new VariantBook('canary', '2.0')
  for (const status of [200, 200, 99, 600]) bookRequest(book, { status })
  bookRequest(book, { outcome: 'no_answer', status: 0 })
  book.countAttempt('http://a', 'ok')
  book.countAttempt('http://a', 'ok')
  book.countAttempt('http://a', 'timeout')
  t.same(
    [...book.requestSeries()].map((s) => [s.outcome, s.code, s.count]),
    [
      ['ok', '200', 2],
      ['ok', 'other', 1],
      ['ok', 'other', 1],
      ['no_answer', 'other', 1],
    ],
  )
  t.same(
    [...book.attemptSeries()].map((s) => [s.result, s.count]),
    [
      ['ok', 2],
      ['timeout', 1],
    ],
  )
  t.equal(book.errors, 1)
  t.end()
})

t.test('a good answer with a 4xx is evidence of client errors, and of nothing else', (t) => {
  const { book, open } = build()
  const { tallies } = open(1)
  for (const status of [200, 399, 400, 404, 499, 500]) {
    book.end(book.begin(assigned(), 'r'), 'ok', status, 1)
  }
  // Named in `errors.statuses`, or of the gateway itself to a client that left.
  book.end(book.begin(assigned(), 'r'), 'failed', 404, 1)
  book.end(book.begin(assigned(), 'r'), 'client_closed', 499, 1)
  book.end(book.begin(assigned({ reason: 'override' }), 'r'), 'ok', 404, 1)
  t.match(tallies['client-error'], { trials: [0, 8], events: [0, 3], harmEvents: [0, 3] })
  t.match(tallies['errors'], { trials: [0, 8], events: [0, 1] })
  t.match(tallies['no-answer'], { trials: [0, 8], events: [0, 1] })
  t.end()
})
