import type { Test } from 'tap'
import type { Tally } from '../../src/domain/cohort.ts'
import { NO_EVENTS, type Prediction, type UnitEvents } from '../../src/domain/prediction.ts'
import type {
  ChangedTallies,
  FeedbackChange,
  PredictionLookup,
  Store,
} from '../../src/store/store.ts'
import { bets, events } from '../fakes/evidence.ts'
import { SERVICE, commit, sampleCohort, samplePrediction, takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

/** The part of the contract that the label join lives by. */
export function testPredictions(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test('predictions are found by service and request id, answers in order', async (t) => {
    const store = await makeSubject(t).open()
    const plain = samplePrediction()
    const bare = samplePrediction({
      requestId: 'r-2',
      value: null,
      cohort: -1,
      side: 0,
      variant: 'baseline',
    })
    const odd = samplePrediction({ requestId: 'ü\u0001 "x"', value: -0, service: 'läden' })
    await store.putPredictions([plain, bare, odd])
    const found = await store.findPredictions([
      { service: SERVICE, requestId: 'r-2' },
      { service: SERVICE, requestId: 'r-3' },
      { service: 'läden', requestId: odd.requestId },
      { service: 'other', requestId: 'r-1' },
      { service: SERVICE, requestId: 'r-1' },
      { service: null, requestId: 'r-1' },
      { service: null, requestId: 'r-' },
    ])
    t.strictSame(found, [
      pending(bare, 2),
      { found: 'none' },
      pending(odd, 3),
      { found: 'none' },
      pending(plain, 1),
      pending(plain, 1),
      { found: 'none' },
    ])
  })

  t.test(
    'a prediction keeps the segment and the rule of its request, beside ids of any length',
    async (t) => {
      const store = await makeSubject(t).open()
      const all = ['r-1', 'x'.repeat(257)].flatMap((id) => [
        samplePrediction({ requestId: `${id}a`, segment: 'gold' }),
        samplePrediction({ requestId: `${id}b`, segment: 'größer', value: null }),
        samplePrediction({ requestId: `${id}c` }),
        samplePrediction({ requestId: `${id}d`, rule: 2 ** 32 - 1 }),
        samplePrediction({ requestId: `${id}e`, rule: 0, segment: 'gold', unit: null }),
        samplePrediction({
          requestId: `${id}f`,
          rule: 7,
          segment: 'gold',
          pair: { cohort: 9, copy: null },
        }),
      ])
      await store.putPredictions(all)
      const queries = all.map(({ requestId }) => ({ service: null, requestId }))
      t.strictSame(
        await store.findPredictions(queries),
        all.map((prediction, i) => pending(prediction, i + 1)),
      )
      await store.commitFeedback({
        ...NOTHING,
        labels: [{ record: 1, prediction: all[0]!, label: 1 }],
      })
      t.match(await store.findPredictions(queries.slice(0, 1)), [
        { found: 'joined', prediction: { segment: 'gold' } },
      ])
      t.match(await store.expirePredictions(Number.MAX_SAFE_INTEGER), { expired: all.length })
    },
  )

  t.test('both predictions of a pair are one record, with or without a segment', async (t) => {
    const store = await makeSubject(t).open()
    const all = ['r-1', 'x'.repeat(257)].flatMap((id) => [
      samplePrediction({ requestId: `${id}a`, cohort: -1, pair: { cohort: 2 ** 40, copy: -0.1 } }),
      samplePrediction({ requestId: `${id}b`, segment: 'größer', pair: { cohort: 1, copy: null } }),
      samplePrediction({ requestId: `${id}c`, unit: 7, pair: { cohort: 1, copy: 0 } }),
    ])
    await store.putPredictions(all)
    const queries = all.map(({ requestId }) => ({ service: null, requestId }))
    t.strictSame(
      await store.findPredictions(queries),
      all.map((prediction, i) => pending(prediction, i + 1)),
    )
    await store.commitFeedback({
      ...NOTHING,
      labels: [{ record: 1, prediction: all[0]!, label: 1 }],
      events: [{ record: 2, prediction: all[1]!, before: 0, events: SAID }],
    })
    t.strictSame(await store.findPredictions(queries.slice(0, 2)), [
      { ...pending(all[0]!, 1), found: 'joined' },
      { ...pending(all[1]!, 2), events: SAID },
    ])
    t.match(await store.expirePredictions(Number.MAX_SAFE_INTEGER), { expired: all.length })
  })

  t.test('long request ids, and ones with a NUL, are told apart', async (t) => {
    const store = await makeSubject(t).open()
    const ids = ['x'.repeat(256), 'x'.repeat(257), `${'x'.repeat(256)}y`, 'é'.repeat(200), 'a\0b']
    const all = ids.map((requestId, index) => samplePrediction({ requestId, value: index }))
    await store.putPredictions(all)
    for (const service of [SERVICE, null]) {
      const found = await store.findPredictions(ids.map((requestId) => ({ service, requestId })))
      t.strictSame(
        found,
        all.map((prediction, index) => pending(prediction, index + 1)),
      )
    }
  })

  t.test('an id of two services is ambiguous until the service is named', async (t) => {
    const store = await makeSubject(t).open()
    const predictions = ['b', 'a'].map((service) => samplePrediction({ service }))
    await store.putPredictions(predictions)
    const found = await store.findPredictions([
      { service: null, requestId: 'r-1' },
      { service: 'b', requestId: 'r-1' },
    ])
    t.strictSame(found, [{ found: 'ambiguous', services: ['a', 'b'] }, pending(predictions[0]!, 1)])
  })

  t.test('the first prediction of a request wins', async (t) => {
    const store = await makeSubject(t).open()
    const first = samplePrediction({ value: 1 })
    await store.putPredictions([first, samplePrediction({ value: 2 })])
    await store.putPredictions([samplePrediction({ value: 3, at: 9 })])
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [pending(first, 1)])
  })

  t.test('a joined prediction stays, marked, also when its request comes again', async (t) => {
    const subject = makeSubject(t)
    const first = await subject.open()
    const prediction = samplePrediction()
    await first.putPredictions([prediction])
    await first.commitFeedback({ ...NOTHING, labels: [{ record: 1, prediction, label: 4 }] })
    await first.putPredictions([samplePrediction({ value: 9 })])
    await first.close()
    const store = await subject.open()
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [
      { ...pending(prediction, 1), found: 'joined' },
    ])
  })

  t.test('the tallies that feedback changed are stored', async (t) => {
    const store = await makeSubject(t).open()
    await commit(store, await takeLease(store), null, { putCohorts: [sampleCohort(7)] })
    const tallies = { x: events([20, 2], [3, 1]) }
    await store.commitFeedback({ ...NOTHING, tallies: [changed(7, tallies)] })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [sampleCohort(7, { tallies })])
  })

  t.test('labels bring back neither a dropped cohort nor that of an earlier attempt', async (t) => {
    const store = await makeSubject(t).open()
    const next = sampleCohort(8, { rollout: '1.4->2.0#2' })
    await commit(store, await takeLease(store), null, { putCohorts: [next] })
    const tallies = [7, 8].map((number) => changed(number, { x: events([1, 1], [1, 1]) }))
    await store.commitFeedback({ ...NOTHING, tallies })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [next])
  })

  t.test('what events have said of a unit comes back with it, to the bit', async (t) => {
    const subject = makeSubject(t)
    const first = await subject.open()
    const keyed = samplePrediction({ unit: 2 ** 53 - 1 })
    const single = samplePrediction({ requestId: 'r-2' })
    await first.putPredictions([keyed, single])
    await first.commitFeedback({
      ...NOTHING,
      labels: [{ record: 1, prediction: keyed, label: 4 }],
      events: [
        { record: 1, prediction: keyed, before: 0, events: SAID },
        { record: 2, prediction: single, before: 0, events: { seen: [7], totals: [] } },
      ],
    })
    await first.close()
    const store = await subject.open()
    t.strictSame(
      await store.findPredictions([
        { service: SERVICE, unit: keyed.unit! },
        { service: null, unit: keyed.unit! },
        { service: SERVICE, requestId: 'r-2' },
        { service: 'other', unit: keyed.unit! },
      ]),
      [
        { found: 'joined', record: 1, prediction: keyed, events: SAID },
        { found: 'joined', record: 1, prediction: keyed, events: SAID },
        { ...pending(single, 2), events: { seen: [7], totals: [] } },
        { found: 'none' },
      ],
    )
    const more = { seen: [...SAID.seen, 3], totals: [2, 0, 0] }
    await store.commitFeedback({
      ...NOTHING,
      events: [{ record: 1, prediction: keyed, before: 2, events: more }],
    })
    t.match(await store.findPredictions([{ service: null, requestId: 'r-1' }]), [{ events: more }])
  })

  t.test("a key leads to its latest attempt's unit, whatever its request id", async (t) => {
    const store = await makeSubject(t).open({ maxPending: 3 })
    const [first, later, next] = [
      samplePrediction({ unit: 5 }),
      samplePrediction({ unit: 5, cohort: -1, requestId: 'r-2' }),
      samplePrediction({ unit: 5, rollout: '1.4->2.0#2', at: 2000 }),
    ]
    const byKey = { service: SERVICE, unit: 5 }
    const byId = { service: SERVICE, requestId: 'r-1' }
    await store.putPredictions([first, later])
    t.strictSame(await store.findPredictions([byKey]), [pending(first, 1)])
    await store.putPredictions([next])
    t.strictSame(await store.findPredictions([byKey, byId]), [pending(next, 3), pending(first, 1)])
    await store.putPredictions([samplePrediction({ requestId: 'r-4' })])
    t.strictSame(await store.findPredictions([byKey, byId]), [pending(next, 3), { found: 'none' }])
  })

  t.test('feedback for a record that is gone does not reach one that has its place', async (t) => {
    const store = await makeSubject(t).open({ retentionMs: 100 })
    const [old, young] = [samplePrediction(), samplePrediction({ requestId: 'r-2', at: 5000 })]
    await store.putPredictions([old])
    t.same(await store.expirePredictions(5000), { expired: 1, evicted: 0 })
    await store.putPredictions([young])
    await store.commitFeedback({
      ...NOTHING,
      labels: [{ record: 1, prediction: old, label: 4 }],
      events: [{ record: 1, prediction: old, before: 0, events: SAID }],
    })
    t.strictSame(await store.findPredictions([{ service: null, requestId: 'r-2' }]), [
      pending(young, 1),
    ])
  })

  t.test('tallies of a cohort end with it, and with a newer whole', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const cohorts = [7, 8].map((number) => sampleCohort(number))
    await commit(store, lease, null, { putCohorts: cohorts })
    const denominator = { sum: [1, 2], sumSq: [3, 4], cross: [5, 6] } as never
    const tallies = {
      x: events([1, 1], [1, 1]),
      // As versions before this one store a ratio, and as it is.
      y: { ...bets([3, 2], [1, 2], 0.5, 1, 2), denominator },
      u: {
        ...bets([3, 2], [1, 2], 0.5, 1, 2),
        ...{ denominator, ratioBins: [{ 'zero/16': [2, 0, 4], '16/37': [1, 2, 5] }, {}] as never },
      },
      s: {
        ...bets([3, 2], [1, 2], 0.5, 1, 2),
        bins: [{ zero: [-2, 0] }, { '-3': [2, 1.8] }] as never,
      },
      // Of pairs.
      v: { ...events([4, 4], [2, 3]), both: [1, 2] as [number, number] },
      w: { ...bets([3, 3], [1, 2], 0.5, 1, 2), product: 7.5 },
    }
    await store.commitFeedback({ ...NOTHING, tallies: [7, 8].map((n) => changed(n, tallies)) })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [
      sampleCohort(7, { tallies }),
      sampleCohort(8, { tallies }),
    ])
    const newer = sampleCohort(8, { tallies: { x: events([9, 9], [9, 9]) } })
    await commit(store, lease, 1, { dropCohorts: [7], putCohorts: [newer] })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [newer])
    await commit(store, lease, 2, { putCohorts: [sampleCohort(7)] })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [sampleCohort(7), newer])
  })

  t.test('a label for a prediction that is gone leaves nothing behind', async (t) => {
    const store = await makeSubject(t).open()
    const taken = await store.commitFeedback({
      ...NOTHING,
      labels: [{ record: 1, prediction: samplePrediction(), label: 4 }],
      events: [{ record: 1, prediction: samplePrediction(), before: 0, events: SAID }],
    })
    t.strictSame(taken, { labels: [false], events: [false] })
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [{ found: 'none' }])
  })

  t.test('a label is taken once, whoever takes it', async (t) => {
    const subject = makeSubject(t)
    const [one, other] = [await subject.open(), await subject.open()]
    const all = manyPredictions(3)
    await one.putPredictions(all)
    const claim = (...records: number[]) => ({
      ...NOTHING,
      labels: records.map((record) => ({ record, prediction: all[record - 1]!, label: 4 })),
    })
    t.strictSame(await one.commitFeedback(claim(2)), { labels: [true], events: [] })
    t.strictSame(await other.commitFeedback(claim(1, 2, 3)), {
      labels: [true, false, true],
      events: [],
    })
    t.strictSame((await one.commitFeedback(claim(3, 1))).labels, [false, false])
  })

  t.test('events are taken by who has seen all that there were', async (t) => {
    const subject = makeSubject(t)
    const [one, other] = [await subject.open(), await subject.open()]
    const prediction = samplePrediction()
    await one.putPredictions([prediction])
    const take = async (store: Store, before: number, seen: readonly number[]) => {
      const events = [{ record: 1, prediction, before, events: { seen, totals: [seen.length] } }]
      return (await store.commitFeedback({ ...NOTHING, events })).events
    }
    t.strictSame(await take(one, 0, [7, 8]), [true])
    t.strictSame(await take(other, 0, [9]), [false])
    t.strictSame(await take(other, 1, [7, 9]), [false])
    t.strictSame(await take(other, 2, [7, 8, 9]), [true])
    t.strictSame(await take(one, 2, [7, 8, 10]), [false])
    const query = { service: SERVICE, requestId: 'r-1' }
    t.match(await one.findPredictions([query]), [
      { found: 'pending', events: { seen: [7, 8, 9], totals: [3] } },
    ])
  })

  t.test('of labels and events that come to several at the same moment one is taken', async (t) => {
    const subject = makeSubject(t)
    const stores = await Promise.all([subject.open(), subject.open(), subject.open()])
    const all = manyPredictions(200)
    await stores[0].putPredictions(all)
    const taken = await Promise.all(
      // Each has them in an order of its own, in slices of its own.
      stores.flatMap((store, who) =>
        [0, 1, 2, 3].map(async (slice) => {
          const places = all
            .map((prediction, index) => ({ record: index + 1, prediction }))
            .filter(({ record }) => record % 4 === (slice + who) % 4)
          const change = {
            ...NOTHING,
            labels: places.map((place) => ({ ...place, label: who })),
            events: places.map((place) => ({
              ...place,
              before: 0,
              events: { seen: [who], totals: [] },
            })),
          }
          const answer = await store.commitFeedback(change)
          return { who, places, answer }
        }),
      ),
    )
    for (const of of ['labels', 'events'] as const) {
      const won = taken.flatMap(({ places, answer }) =>
        places.filter((_, i) => answer[of][i]).map(({ record }) => record),
      )
      t.strictSame(
        won.sort((a, b) => a - b),
        all.map((_, index) => index + 1),
        `each of the ${of} once`,
      )
    }
    const seen = await stores[1].findPredictions(
      all.map(({ requestId }) => ({ service: SERVICE, requestId })),
    )
    const winners = new Map(
      taken.flatMap(({ who, places, answer }) =>
        places.filter((_, i) => answer.events[i]).map(({ record }) => [record, who]),
      ),
    )
    for (const [index, found] of seen.entries()) {
      t.match(found, { found: 'joined', events: { seen: [winners.get(index + 1)] } })
    }
  })

  t.test('predictions go when their retention is over, joined or not', async (t) => {
    const store = await makeSubject(t).open({ retentionMs: 100 })
    const all = manyPredictions(600, (index) => ({ at: index < 300 ? 1000 : 1001 }))
    await store.putPredictions(all)
    await store.commitFeedback({
      ...NOTHING,
      labels: [{ record: 1, prediction: all[0]!, label: 1 }],
    })
    t.same(await store.expirePredictions(1100), { expired: 0, evicted: 0 })
    t.same(await store.expirePredictions(1101), { expired: 300, evicted: 0 })
    t.same(await store.expirePredictions(1101), { expired: 0, evicted: 0 })
    const found = await store.findPredictions(
      [0, 299, 300].map((index) => ({ service: null, requestId: `r-${index}` })),
    )
    t.strictSame(
      found.map((lookup) => lookup.found),
      ['none', 'none', 'pending'],
    )
    t.same(await store.expirePredictions(1e9), { expired: 300, evicted: 0 })
  })

  t.test('beyond the maximum the oldest go first, and are counted', async (t) => {
    const store = await makeSubject(t).open({ maxPending: 10 })
    await store.putPredictions(manyPredictions(8))
    await store.putPredictions(manyPredictions(13).slice(8))
    t.same(await store.expirePredictions(1000), { expired: 0, evicted: 3 })
    t.same(await store.expirePredictions(1000), { expired: 0, evicted: 0 })
    const found = await store.findPredictions(
      manyPredictions(13).map(({ requestId }) => ({ service: SERVICE, requestId })),
    )
    t.strictSame(
      found.map((lookup) => lookup.found),
      [...Array<string>(3).fill('none'), ...Array<string>(10).fill('pending')],
    )
  })

  t.test('a maximum that was lowered holds after the next expiry', async (t) => {
    const subject = makeSubject(t)
    const before = await subject.open()
    await before.putPredictions(manyPredictions(1000))
    await before.close()
    const store = await subject.open({ maxPending: 5 })
    t.same(await store.expirePredictions(1000), { expired: 0, evicted: 995 })
    const query = { service: SERVICE, requestId: 'r-995' }
    t.match(await store.findPredictions([query]), [{ found: 'pending' }])
  })
}

const NOTHING: FeedbackChange = { labels: [], events: [], tallies: [] }
const SAID: UnitEvents = { seen: [12, 2 ** 53 - 1], totals: [1, -0.5, NaN] }

function pending(prediction: Prediction, record: number): PredictionLookup {
  return { found: 'pending', record, prediction, events: NO_EVENTS }
}

function changed(cohort: number, tallies: Record<string, Tally>): ChangedTallies {
  return { service: SERVICE, rollout: '1.4->2.0#1', cohort, tallies }
}

function manyPredictions(
  count: number,
  change: (index: number) => Partial<Prediction> = () => ({}),
): Prediction[] {
  return Array.from({ length: count }, (_, index) =>
    samplePrediction({ requestId: `r-${index}`, ...change(index) }),
  )
}
