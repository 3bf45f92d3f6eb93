import t from 'tap'
import { MAX_UNIT_EVENTS } from '../../src/feedback/join-event.ts'
import { NO_EVENTS } from '../../src/domain/prediction.ts'
import { FeedbackStore, KEY_UNIT, makeWorld } from './join-world.ts'
import { SERVICE, samplePrediction } from '../store/samples.ts'

const PURCHASE = '"event":"purchase","value":1,"values":{"amount":2}'

t.test('an event is booked with its unit, and remembered with it in the store', async (t) => {
  const world = makeWorld([samplePrediction()])
  t.same(await world.accept(`{"requestId":"r-1",${PURCHASE},"at":"1970-01-01T00:00:02Z"}`), {
    joined: 1,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    unscored: 0,
    rejected: [],
  })
  const event = { name: 'purchase', value: 1, values: { amount: 2 }, at: 2000 }
  t.strictSame(world.events, [[samplePrediction(), [], event]])
  t.match(world.commits, [{ labels: [], events: [{ before: 0, events: { totals: [1] } }] }])
  t.equal(world.commits[0]!.events[0]!.events.seen.length, 1)
  t.strictSame(world.counts, { 'credit-risk joined': 1 })
})

t.test('the same event is a duplicate, in one slice, another or another batch', async (t) => {
  for (const sliceLines of [1, 10]) {
    const world = makeWorld([samplePrediction()], { sliceLines })
    const line = `{"requestId":"r-1",${PURCHASE},"id":"o-1"}`
    t.match(await world.accept(line, line), { joined: 1, duplicate: 1 })
    t.match(await world.accept(line), { joined: 0, duplicate: 1 })
    const other = [
      `{"requestId":"r-1",${PURCHASE},"id":"o-2"}`,
      `{"requestId":"r-1",${PURCHASE}}`,
      '{"requestId":"r-1","event":"visit","id":"o-1"}',
    ]
    t.match(await world.accept(...other, ...other), { joined: 3, duplicate: 3 })
    t.same(
      world.events.map(([, totals]) => totals[0] ?? 0),
      [0, 1, 2, 3],
      'each is booked on top of what the unit had',
    )
  }
})

t.test('an event is told with its answer when the line is sent again', async (t) => {
  const world = makeWorld([samplePrediction()], {
    bookEvent: (_, totals) => ({ result: 'late', changed: null, totals }),
  })
  for (let i = 0; i < 2; i++) {
    t.match(await world.accept(`{"requestId":"r-1",${PURCHASE}}`), { late: 1 })
    t.match(await world.accept('{"requestId":"r-9","event":"visit"}'), { unmatched: 1 })
    const early = '{"requestId":"r-1","event":"visit","at":"1970-01-01T00:00:00.999Z"}'
    t.match(await world.accept(early), { unmatched: 1 })
  }
  t.strictSame(world.commits, [], 'what counts nowhere is not stored')
  t.strictSame(world.counts, {
    'credit-risk late': 2,
    'null unmatched': 2,
    'credit-risk unmatched': 2,
  })
})

t.test(
  'an event without a time is never before its request, whose clock may be ahead',
  async (t) => {
    const ahead = samplePrediction({ at: 1e15 })
    const world = makeWorld([ahead])
    t.match(await world.accept(`{"requestId":"r-1",${PURCHASE}}`), { joined: 1, unmatched: 0 })
    t.match(world.events, [[ahead, [], { at: 1e15 }]])
  },
)

t.test('an event that no metric counts is told before its key is found', async (t) => {
  const world = makeWorld([])
  const shop = (more: string) => world.accept(`{"key":"k-9",${more}}`)
  t.match(await shop('"service":"credit-risk","event":"purchse"'), {
    unmatched: 0,
    rejected: [
      {
        line: 1,
        error: 'no metric of credit-risk counts the event "purchse" (did you mean purchase?)',
      },
    ],
  })
  t.match(await shop('"service":"other","event":"visit"'), {
    rejected: [{ error: 'no metric of other counts the event "visit"' }],
  })
  t.match(await shop('"event":"vist"'), {
    rejected: [{ error: 'no metric of credit-risk counts the event "vist" (did you mean visit?)' }],
  })
  const nowhere = makeWorld([], { eventFields: () => new Map() })
  t.match(await nowhere.accept('{"key":"k-9","event":"visit"}'), {
    rejected: [{ error: 'no metric of any service counts the event "visit"' }],
  })
  t.match(await shop('"event":"visit"'), { unmatched: 1, rejected: [] })
  t.strictSame(world.counts, {
    'credit-risk rejected': 1,
    'other rejected': 1,
    'null rejected': 1,
    'null unmatched': 1,
  })
})

t.test('a key leads to the request that its unit is judged by', async (t) => {
  const first = samplePrediction({ unit: KEY_UNIT })
  const later = samplePrediction({ unit: KEY_UNIT, requestId: 'r-2', cohort: -1 })
  const world = makeWorld([first, later])
  t.match(await world.accept(`{"key":"k-1",${PURCHASE}}`), { joined: 1 })
  t.match(await world.accept(`{"requestId":"r-2",${PURCHASE}}`), { joined: 1 })
  t.match(await world.accept(`{"key":"k-1",${PURCHASE}}`), { duplicate: 1 })
  t.match(await world.accept(`{"key":"k-2",${PURCHASE}}`), { unmatched: 1 })
  t.same(
    world.events.map(([prediction]) => prediction.requestId),
    ['r-1', 'r-1'],
  )
  t.match(await world.accept('{"key":"k-1","label":4}'), { joined: 1 })
  t.match(await world.accept('{"requestId":"r-1","label":4}'), { duplicate: 1 })
  t.match(await world.accept('{"requestId":"r-2","label":5}'), { joined: 1 }, 'labels are its own')
  t.match(world.booked, [{ prediction: { requestId: 'r-1' }, label: 4 }])
})

t.test(
  'a later request stands for itself where its unit is gone or of another attempt',
  async (t) => {
    const later = samplePrediction({ unit: KEY_UNIT, requestId: 'r-2', cohort: -1 })
    const next = samplePrediction({ unit: KEY_UNIT, rollout: '1.4->2.0#2' })
    for (const predictions of [[later], [later, next]]) {
      const world = makeWorld(predictions)
      t.match(await world.accept(`{"requestId":"r-2",${PURCHASE}}`), { joined: 1 })
      t.strictSame(world.events, [], 'it is no evidence')
      t.match(world.commits, [{ events: [{ record: 0, events: { totals: [] } }] }])
      t.match(await world.accept(`{"requestId":"r-2",${PURCHASE}}`), { duplicate: 1 })
    }
  },
)

t.test('an event that no metric counts, or without its number, says so', async (t) => {
  const world = makeWorld([samplePrediction(), samplePrediction({ service: 'other' })])
  const { rejected } = await world.accept(
    `{"requestId":"r-1","service":"${SERVICE}","event":"purchsae"}`,
    `{"requestId":"r-1","service":"${SERVICE}","event":"something"}`,
    '{"requestId":"r-1","service":"other","event":"visit"}',
    `{"requestId":"r-1","service":"${SERVICE}","event":"purchase","values":{"amount":1}}`,
    `{"requestId":"r-1","service":"${SERVICE}","event":"purchase","value":1}`,
    '{"requestId":"r-1","event":"visit"}',
  )
  t.same(
    rejected.map(({ error }) => error),
    [
      'no metric of credit-risk counts the event "purchsae" (did you mean purchase?)',
      'no metric of credit-risk counts the event "something" (known: purchase, visit)',
      'no metric of other counts the event "visit"',
      'purchase has no value, which a metric reads',
      'purchase has no values.amount, which a metric reads',
      'requestId matches services credit-risk, other: name one in `service`',
    ],
  )
  t.strictSame(world.counts, {
    'credit-risk rejected': 4,
    'other rejected': 1,
    'null rejected': 1,
  })
})

t.test('a number below 0 is refused where a mean alone reads it', async (t) => {
  const world = makeWorld([samplePrediction()])
  const purchase = (value: number, amount: number) =>
    `{"requestId":"r-1","event":"purchase","value":${value},"values":{"amount":${amount}}}`
  t.match(await world.accept(purchase(-100, 1), purchase(0, -1)), {
    joined: 1,
    rejected: [
      {
        line: 1,
        error:
          'purchase has value -100, and a mean is of values from 0 on: add the same to all of them, so that none is below 0',
      },
    ],
  })
  t.match(world.events, [[{}, [], { value: 0, values: { amount: -1 } }]])
})

t.test('a key of two services needs its service', async (t) => {
  const of = (service: string) => samplePrediction({ service, unit: KEY_UNIT })
  const world = makeWorld([of(SERVICE), of('other')])
  t.match(await world.accept('{"key":"k-1","event":"visit"}'), {
    rejected: [{ error: 'key matches services credit-risk, other: name one in `service`' }],
  })
  t.match(await world.accept(`{"key":"k-1","event":"visit","service":"${SERVICE}"}`), { joined: 1 })
})

t.test('a unit has only so many events, and the ones beyond say so', async (t) => {
  const world = makeWorld([samplePrediction()])
  const lines = Array.from(
    { length: MAX_UNIT_EVENTS + 1 },
    (_, id) => `{"requestId":"r-1","event":"visit","id":"${id}"}`,
  )
  t.match(await world.accept(...lines), {
    joined: MAX_UNIT_EVENTS,
    rejected: [
      { line: MAX_UNIT_EVENTS + 1, error: `more than ${MAX_UNIT_EVENTS} events of one unit` },
    ],
  })
  t.match(await world.accept(...lines), { joined: 0, duplicate: MAX_UNIT_EVENTS })
})

t.test("a unit's record that is still in the buffer is written first", async (t) => {
  const unit = samplePrediction({ unit: KEY_UNIT })
  const world = makeWorld([])
  world.deps.buffer = {
    find: () => [],
    holdsUnit: (asked) => asked === KEY_UNIT,
    flush: async () => void world.predictions.push(unit),
  }
  t.match(await world.accept('{"key":"k-2","event":"visit"}'), { unmatched: 1 })
  t.match(await world.accept('{"key":"k-1","event":"visit"}'), { joined: 1 })
})

t.test('a slice that the store did not take is stored before anything else, once', async (t) => {
  const world = makeWorld([samplePrediction()])
  const line = `{"requestId":"r-1",${PURCHASE}}`
  world.failWith = new Error('disk full')
  await t.rejects(world.accept(line), world.failWith)
  await t.rejects(world.accept(line), world.failWith)
  world.failWith = null
  t.match(await world.accept(line), { joined: 0, duplicate: 1 })
  t.equal(world.events.length, 1)
  t.equal(world.commits.length, 1)
  t.strictSame(world.counts, { 'credit-risk joined': 1, 'credit-risk duplicate': 1 })
})

t.test(
  'events of one unit that come to two processes at once count on top of each other',
  async (t) => {
    const store = new FeedbackStore()
    const prediction = samplePrediction()
    const [one, other] = [makeWorld([prediction], {}, store), makeWorld([prediction], {}, store)]
    const line = (id: string) => `{"requestId":"r-1",${PURCHASE},"id":"${id}"}`
    // The other one is faster, two times: with the first of the two events, and with one of its own.
    const ids = ['a', 'c']
    one.meanwhile = () => {
      const id = ids.shift()
      if (id === undefined) return
      const { seen, totals } = store.said.get(prediction) ?? NO_EVENTS
      const known = hashes.get(id)!
      store.said.set(prediction, { seen: [...seen, known], totals: [(totals[0] ?? 0) + 1] })
    }
    const hashes = new Map<string, number>()
    for (const id of ['a', 'c']) {
      const world = makeWorld([prediction])
      await world.accept(line(id))
      hashes.set(id, world.commits[0]!.events[0]!.events.seen[0]!)
    }
    t.match(await one.accept(line('a'), line('b')), { joined: 1, duplicate: 1 })
    t.same(
      one.events.map(([, totals]) => totals),
      [[2]],
    )
    t.match(await other.accept(line('a'), line('b'), line('c')), { joined: 0, duplicate: 3 })
    t.same(store.said.get(prediction)!.totals, [3])
  },
)

t.test('a cohort that is folded while an event is taken is late for it', async (t) => {
  const world = makeWorld([samplePrediction()], {
    bookEvent: (_prediction, totals, _event, counted) => ({
      result: counted ? 'late' : 'joined',
      changed: null,
      totals,
    }),
  })
  t.match(await world.accept(`{"requestId":"r-1",${PURCHASE}}`), { joined: 0, late: 1 })
  t.strictSame(world.counts, { 'credit-risk late': 1 })
})
