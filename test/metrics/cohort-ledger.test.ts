import t from 'tap'
import type { BetTally, CohortTerms, EventTally, Side } from '../../src/domain/cohort.ts'
import type { JudgedOutcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { SETTLE_MS } from '../../src/domain/outcome.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { ACCURACY, ERRORS, LATENCY, RMSE, rolloutSpec } from '../fakes/simulated-service.ts'

const NO_TERMS: CohortTerms = { thresholds: {}, bets: {}, caps: {} }

function ledgerOf(metrics: readonly MetricSpec[], keyed = false): CohortLedger {
  const { analysis } = rolloutSpec({ analysis: { metrics } })
  return new CohortLedger(buildHypotheses(analysis), keyed, 1000)
}

function open(
  ledger: CohortLedger,
  number: number,
  change: { judged?: boolean; terms?: CohortTerms; now?: number } = {},
) {
  return ledger.open({
    number,
    rollout: '1.4->2.0#1',
    step: 0,
    pi: 0.2,
    epoch: 0,
    judged: change.judged ?? true,
    now: change.now ?? number * 1000,
    terms: change.terms ?? NO_TERMS,
  })
}

function begin(
  ledger: CohortLedger,
  side: Side,
  unit: number | null = null,
  segment: string | null = null,
): Ticket {
  const drawn = ledger.assign(side, unit, true, segment)
  const { cohort, slot, first } = drawn ?? { cohort: null, slot: null, first: true }
  const variant = side === 0 ? 'baseline' : 'canary'
  const ticket: Ticket = {
    variant,
    book: new VariantBook(variant, '1'),
    reason: unit === null ? 'random' : 'key',
    requestId: 'r',
    side,
    cohort,
    slot,
    unit,
    first,
    claim: null,
    segment,
    startedAt: 0,
    startedWall: 0,
    headAt: null,
    firstByteAt: null,
    stopped: false,
    ruled: null,
    compared: [],
    pair: null,
    place: -1,
    done: false,
  }
  if (cohort !== null) ledger.track(ticket)
  return ticket
}

function end(
  ledger: CohortLedger,
  side: Side,
  outcome: JudgedOutcome,
  ms = 10,
  unit: number | null = null,
): void {
  ledger.settle(begin(ledger, side, unit), outcome, ms)
}

function prediction(cohort: number, side: Side, value: number | null = 0): Prediction {
  return {
    service: 'svc',
    requestId: 'r',
    value,
    at: 0,
    rollout: '1.4->2.0#1',
    cohort,
    side,
    variant: '',
    unit: null,
  }
}

t.test('draws are no evidence while nothing is open, and in warm-up', (t) => {
  const ledger = ledgerOf([ERRORS])
  t.equal(ledger.assign(0, null, true), null)
  t.equal(ledger.current, null)
  const cohort = open(ledger, 1, { judged: false })
  t.equal(ledger.assign(0, null, true), null)
  t.same(cohort.assigned, [0, 0])
  t.equal(ledger.current, cohort)
  ledger.close(2000)
  ledger.close(3000)
  t.same([ledger.current, cohort.closedAt], [null, 2000])
  t.end()
})

t.test('each outcome is booked as what it is: failure, slow, without an answer, 4xx', (t) => {
  const ledger = ledgerOf([ERRORS, LATENCY])
  const terms = {
    ...NO_TERMS,
    thresholds: { latency: { baselineMs: 100, harmMs: 110, proofMs: 130 } },
  }
  const { tallies } = open(ledger, 1, { terms })
  for (const outcome of ['ok', 'failed', 'client_closed', 'rejected', 'no_answer'] as const)
    end(ledger, 1, outcome)
  end(ledger, 0, 'client_error', 100)
  end(ledger, 1, 'client_error', 131)
  end(ledger, 0, 'ok', 100)
  end(ledger, 0, 'ok', 101)
  end(ledger, 1, 'ok', 110)
  end(ledger, 1, 'ok', 111)
  end(ledger, 1, 'ok', 131)
  const event = (id: string) => tallies[id] as EventTally
  t.match(event('errors'), { trials: [3, 9], events: [0, 2], harmEvents: [0, 2], harmUnits: null })
  t.match(event('no-answer'), { trials: [3, 9], events: [0, 3] })
  t.match(event('client-error'), { trials: [3, 9], events: [1, 1], harmEvents: [1, 1] })
  t.match(event('latency'), { trials: [3, 9], events: [1, 6], harmEvents: [1, 7] })
  t.end()
})

t.test('without a threshold no request is judged slow', (t) => {
  const ledger = ledgerOf([LATENCY])
  const { tallies } = open(ledger, 1)
  end(ledger, 1, 'ok', 1e9)
  t.match(tallies['latency'], { trials: [0, 0], events: [0, 0] })
  t.end()
})

t.test('with keys a trial is the first judged request, harm every key with an event', (t) => {
  const ledger = ledgerOf([ERRORS], true)
  const { tallies, assigned } = open(ledger, 1)
  end(ledger, 0, 'ok', 1, 7)
  end(ledger, 0, 'failed', 1, 7)
  end(ledger, 1, 'failed', 1, 8)
  end(ledger, 1, 'failed', 1)
  t.same(assigned, [1, 2])
  t.match(tallies['errors'], {
    trials: [1, 2],
    events: [0, 2],
    harmEvents: [0, 1],
    harmUnits: [[7], [8]],
  })
  t.same([...ledger.slots()][0]!.newUnits, [7, 8])
  t.end()
})

t.test('a later request of a key is harm where it is slow for its side, and nothing else', (t) => {
  const ledger = ledgerOf([ERRORS, LATENCY], true)
  const thresholds = { latency: { baselineMs: 120, harmMs: 110, proofMs: 90 } }
  const { tallies } = open(ledger, 1, { terms: { ...NO_TERMS, thresholds } })
  for (const side of [0, 1] as const) {
    for (const ms of [1, 110, 111, 120, 121]) end(ledger, side, 'ok', ms, side)
  }
  end(ledger, 0, 'client_error', 1, 0)
  t.match(tallies['latency'], {
    trials: [1, 1],
    events: [0, 0],
    harmUnits: [[0], [1, 1, 1]],
  })
  t.match(tallies['client-error'], { trials: [1, 1], harmUnits: [[0], []] })
  t.match(tallies['errors'], { trials: [1, 1], harmUnits: [[], []] })
  t.end()
})

t.test('a key that the full index does not know is not judged', (t) => {
  const { analysis } = rolloutSpec()
  const ledger = new CohortLedger(buildHypotheses(analysis), true, 1)
  const { assigned } = open(ledger, 1)
  t.ok(ledger.assign(0, 1, true))
  t.equal(ledger.assign(0, 2, true), null)
  t.match(ledger.assign(0, 1, true), { first: false })
  t.same(assigned, [1, 0])
  t.end()
})

t.test('an outcome is booked once, into the cohort of its assignment', (t) => {
  const ledger = ledgerOf([ERRORS])
  const first = open(ledger, 1)
  const ticket = begin(ledger, 1)
  const second = open(ledger, 2)
  ledger.settle(ticket, 'failed', 5)
  ledger.settle(ticket, 'failed', 5)
  t.match(first.tallies['errors'], { trials: [0, 1], events: [0, 1] })
  t.match(second.tallies['errors'], { trials: [0, 0] })
  ledger.drop(1)
  ledger.settle(ticket, 'failed', 5)
  ledger.track(ticket)
  t.equal([...ledger.slots()].length, 1)
  t.end()
})

t.test('a cohort settles when all of its outcomes are known, never before an earlier one', (t) => {
  const ledger = ledgerOf([ERRORS])
  open(ledger, 1)
  const slow = begin(ledger, 1)
  open(ledger, 2)
  open(ledger, 3)
  t.same(ledger.settleUntil(4000, 4000), [])
  ledger.settle(slow, 'ok', 4000)
  t.same(
    ledger.settleUntil(4000, 4000).map((s) => s.cohort.number),
    [1, 2],
    'the third is open',
  )
  t.same(ledger.settleUntil(4000, 4000), [], 'each one once')
  t.end()
})

t.test('what has no outcome after the settle time is booked as what it is by then', (t) => {
  const ledger = ledgerOf([ERRORS, LATENCY])
  const terms = {
    ...NO_TERMS,
    thresholds: { latency: { baselineMs: 100, harmMs: 110, proofMs: 110 } },
  }
  const { tallies } = open(ledger, 1, { terms, now: 0 })
  const stream = begin(ledger, 1)
  stream.headAt = 50
  const hanging = begin(ledger, 1)
  ledger.close(1000)
  t.same(ledger.settleUntil(999 + SETTLE_MS, 40_000), [])
  t.equal(ledger.settleUntil(1000 + SETTLE_MS, 40_000).length, 1)
  t.match(tallies['no-answer'], { trials: [0, 2], events: [0, 1] })
  t.match(tallies['latency'], { trials: [0, 2], events: [0, 2] })
  ledger.settle(hanging, 'failed', 50_000)
  ledger.settle(stream, 'failed', 50_000)
  t.match(tallies['errors'], { trials: [0, 2], events: [0, 0] }, 'later outcomes change nothing')
  t.end()
})

t.test('labels are booked into the cohort of their request, capped, on the side assigned', (t) => {
  const ledger = ledgerOf([RMSE])
  const bets = { rmse: { centre: 4, cap: 25, harm: [0.01], proof: [-0.01] } }
  const { tallies } = open(ledger, 1, { terms: { thresholds: {}, bets, caps: { rmse: 5 } } })
  t.same(ledger.label(prediction(1, 0), 2), { result: 'joined', changed: null })
  ledger.label(prediction(1, 1), -7)
  const squares = tallies['rmse'] as BetTally
  t.match(squares, { n: [1, 1], sum: [4, 25], sumSq: [16, 625] })
  t.not(squares.harm[0], 0)
  t.match(tallies['rmse/above-cap'], { trials: [1, 1], events: [0, 1], harmEvents: [0, 1] })
  t.match(tallies['rmse/label-missing'], { trials: [1, 1] })
  t.end()
})

t.test('a label is late for what was folded without it, and for all of it late at all', (t) => {
  const ledger = ledgerOf([RMSE, ACCURACY])
  const bets = { rmse: { centre: 4, cap: 25, harm: [0.01], proof: [-0.01] } }
  const caps = { rmse: 5, accuracy: 1 }
  const { tallies } = open(ledger, 1, { terms: { thresholds: {}, bets, caps } })
  const isFolded = (id: string) => id.startsWith('rmse')
  t.equal(ledger.label(prediction(1, 0), 2, isFolded).result, 'joined')
  t.match(tallies['rmse'], { n: [0, 0] })
  t.match(tallies['rmse/label-missing'], { trials: [0, 0] })
  t.match(tallies['accuracy'], { n: [1, 0] })
  t.equal(ledger.label(prediction(1, 1), 2, () => true).result, 'late')
  t.match(tallies['accuracy'], { n: [1, 0] })
  const unasked = ledgerOf([ERRORS])
  open(unasked, 1)
  t.equal(unasked.label(prediction(1, 0), 2).result, 'joined', 'nobody has folded it')
  t.end()
})

t.test('a canary has values above the cap where its margin does not allow them', (t) => {
  const ledger = ledgerOf([{ ...RMSE, maxChange: 0, sensitivity: 0.5 }])
  const { tallies } = open(ledger, 1, { terms: { ...NO_TERMS, caps: { rmse: 4 } } })
  for (const error of [3, 5, 7]) {
    ledger.label(prediction(1, 0, 0), error)
    ledger.label(prediction(1, 1, 0), error)
  }
  t.match(tallies['rmse/above-cap'], { trials: [3, 3], events: [2, 1], harmEvents: [2, 2] })
  t.match(tallies['rmse'], { sum: [9 + 16 + 16, 9 + 16 + 16] }, 'its mean is capped as the other')
  t.end()
})

t.test('before there is anything to centre on, labels add their moments and no bets', (t) => {
  const ledger = ledgerOf([RMSE])
  const { tallies } = open(ledger, 1, { terms: { ...NO_TERMS, caps: { rmse: 5 } } })
  ledger.label(prediction(1, 1), 3)
  t.match(tallies['rmse'], { n: [0, 1], sum: [0, 9], harm: [0, 0, 0, 0, 0, 0, 0] })
  t.end()
})

t.test('a label without a prediction is joined, and no error is made up for it', (t) => {
  const ledger = ledgerOf([RMSE])
  const { tallies } = open(ledger, 1, { terms: { ...NO_TERMS, caps: { rmse: 5 } } })
  t.equal(ledger.label(prediction(1, 1, null), 3).result, 'joined')
  t.match(tallies['rmse'], { n: [0, 0] })
  t.match(tallies['rmse/label-missing'], { trials: [0, 0] }, 'its error stays missing')
  t.end()
})

t.test('a prediction is scored as its metric says', (t) => {
  const loss = { ...RMSE, name: 'loss', kind: 'log-loss' as const, cap: 3 }
  const ledger = ledgerOf([ACCURACY, loss])
  const caps = { accuracy: 1, loss: 3 }
  const { tallies } = open(ledger, 1, { terms: { ...NO_TERMS, caps } })
  ledger.label(prediction(1, 1, 1), 1)
  ledger.label(prediction(1, 1, 1), 0)
  t.match(tallies['accuracy'], { n: [0, 2], sum: [0, 1], sumSq: [0, 1] })
  t.match(tallies['loss'], { n: [0, 2], sum: [0, 3] }, 'a certain mistake counts as the cap')
  t.match(tallies['loss/above-cap'], { trials: [0, 2], events: [0, 1] })
  ledger.label(prediction(1, 1, 5), 5)
  t.match(tallies['accuracy'], { n: [0, 3], sum: [0, 2] })
  t.match(tallies['loss'], { n: [0, 2] }, 'no probability: no loss')
  t.match(tallies['loss/label-missing'], { trials: [0, 2], events: [0, 1] }, 'and it stays missing')
  t.match(tallies['accuracy/label-missing'], { trials: [0, 3] })
  ledger.label(prediction(1, 0, 0.5), -1)
  ledger.label(prediction(1, 0, null), 1)
  t.match(tallies['loss/label-missing'], { trials: [0, 2], events: [1, 1] }, 'no label: no loss')
  t.end()
})

t.test('a request of a segment is booked to the whole and to its segment, and to no other', (t) => {
  const segments = ['gold', 'silver']
  const ledger = ledgerOf([{ ...ERRORS, segments }, LATENCY, { ...RMSE, cap: null, segments }])
  const cohort = open(ledger, 1)
  ledger.settle(begin(ledger, 1, null, 'gold'), 'failed', 5)
  ledger.settle(begin(ledger, 0, null, 'other'), 'failed', 5)
  ledger.settle(begin(ledger, 0), 'ok', 5)
  const { tallies } = cohort
  t.match(tallies['errors'], { trials: [2, 1], events: [1, 1] })
  t.match(tallies['errors@gold'], { trials: [0, 1], events: [0, 1], harmEvents: [0, 1] })
  t.match(tallies['errors@silver'], { trials: [0, 0] })
  t.same(cohort.observed, [2, 1])
  t.same(cohort.segments, {
    gold: { assigned: [0, 1], observed: [0, 1] },
    silver: { assigned: [0, 0], observed: [0, 0] },
  })
  ledger.label({ ...prediction(1, 1), segment: 'gold' }, 4)
  ledger.label({ ...prediction(1, 0), segment: 'gold' }, 4)
  ledger.label({ ...prediction(1, 0, null), segment: 'gold' }, 4)
  ledger.label({ ...prediction(1, 0), segment: 'other' }, 4)
  t.match(tallies['rmse/label-missing'], { trials: [2, 1] })
  t.match(tallies['rmse/label-missing@gold'], { trials: [1, 1] })
  t.match(tallies['rmse/label-missing@silver'], { trials: [0, 0] })
  for (let i = 0; i < 998; i++) ledger.label(prediction(1, 0), 1)
  t.equal(ledger.takeLearntCap('rmse', 100), 4, 'each label teaches once')
  const capped = open(ledger, 2, { terms: { ...NO_TERMS, caps: { rmse: 3 } } })
  ledger.label({ ...prediction(2, 1), segment: 'silver' }, 4)
  t.match(capped.tallies['rmse@silver'], { n: [0, 1], sum: [0, 9] })
  t.match(capped.tallies['rmse/above-cap@silver'], { trials: [0, 1], events: [0, 1] })
  t.match(capped.tallies['rmse@gold'], { n: [0, 0] })
  t.end()
})

t.test('without segments a cohort keeps nothing of them', (t) => {
  const ledger = ledgerOf([ERRORS])
  const cohort = open(ledger, 1)
  ledger.settle(begin(ledger, 1, null, 'gold'), 'ok', 5)
  t.notOk('observedIn' in cohort)
  t.same(Object.keys(cohort.tallies), ['errors', 'no-answer', 'client-error'])
  t.end()
})

t.test('a label whose cohort was folded and dropped is late', (t) => {
  const ledger = ledgerOf([RMSE])
  open(ledger, 1)
  ledger.drop(1)
  t.same(ledger.label(prediction(1, 1), 3), { result: 'late', changed: null })
  t.equal(ledger.label(prediction(-1, 1), 3).result, 'late')
  t.end()
})

t.test('a label of a stored cohort gives its tallies back, to be stored with it', (t) => {
  const ledger = ledgerOf([RMSE])
  const stored = structuredClone(open(ledger, 1))
  const after = ledgerOf([RMSE])
  after.restore([stored])
  const { changed } = after.label(prediction(1, 0), 3)
  t.match(changed, { rollout: stored.rollout, cohort: 1 })
  t.same(Object.keys(changed!.tallies), ['rmse', 'rmse/above-cap', 'rmse/label-missing'])
  t.equal(changed!.tallies['rmse'], stored.tallies['rmse'], 'as it is when it is stored')
  t.match(stored.tallies['rmse/label-missing'], { trials: [1, 0] })
  t.same(after.settleUntil(1e9, 1e9), [], 'it settled before it was stored')
  t.end()
})

t.test("without a cap the baseline's labels teach one and are not judged", (t) => {
  const ledger = ledgerOf([{ ...RMSE, cap: null }])
  const { tallies } = open(ledger, 1)
  for (let i = 0; i < 1000; i++) {
    ledger.label(prediction(1, 0), i % 10)
    ledger.label(prediction(1, 1), 1e6)
  }
  t.match(tallies['rmse'], { n: [0, 0] })
  t.match(tallies['rmse/above-cap'], { trials: [0, 0] })
  t.match(tallies['rmse/label-missing'], { trials: [1000, 1000] }, 'but they did come')
  t.equal(ledger.takeLearntCap('rmse', 100), 9)
  t.equal(ledger.takeLearntCap('rmse', 100), null, 'taught once')
  open(ledger, 2, { terms: { ...NO_TERMS, caps: { rmse: 9 } } })
  for (let i = 0; i < 1000; i++) ledger.label(prediction(1, 0), i)
  t.equal(ledger.takeLearntCap('rmse', 100), null, 'late labels of the time before teach nothing')
  t.end()
})
