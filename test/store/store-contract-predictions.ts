import type { Test } from 'tap'
import type { Prediction } from '../../src/domain/prediction.ts'
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
      { found: 'pending', prediction: bare },
      { found: 'none' },
      { found: 'pending', prediction: odd },
      { found: 'none' },
      { found: 'pending', prediction: plain },
      { found: 'pending', prediction: plain },
      { found: 'none' },
    ])
  })

  t.test('a prediction keeps the segment of its request, beside ids of any length', async (t) => {
    const store = await makeSubject(t).open()
    const all = ['r-1', 'x'.repeat(257)].flatMap((id) => [
      samplePrediction({ requestId: `${id}a`, segment: 'gold' }),
      samplePrediction({ requestId: `${id}b`, segment: 'größer', value: null }),
      samplePrediction({ requestId: `${id}c` }),
    ])
    await store.putPredictions(all)
    const queries = all.map(({ requestId }) => ({ service: null, requestId }))
    t.strictSame(
      await store.findPredictions(queries),
      all.map((prediction) => ({ found: 'pending', prediction })),
    )
    await store.commitLabels([{ prediction: all[0]!, label: 1 }], [])
    t.match(await store.findPredictions(queries.slice(0, 1)), [
      { found: 'joined', prediction: { segment: 'gold' } },
    ])
    t.equal(await store.expirePredictions(Number.MAX_SAFE_INTEGER), all.length)
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
        all.map((prediction) => ({ found: 'pending', prediction })),
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
    t.strictSame(found, [
      { found: 'ambiguous', services: ['a', 'b'] },
      { found: 'pending', prediction: predictions[0] },
    ])
  })

  t.test('the first prediction of a request wins', async (t) => {
    const store = await makeSubject(t).open()
    const first = samplePrediction({ value: 1 })
    await store.putPredictions([first, samplePrediction({ value: 2 })])
    await store.putPredictions([samplePrediction({ value: 3, at: 9 })])
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [{ found: 'pending', prediction: first }])
  })

  t.test('a joined prediction stays, marked, also when its request comes again', async (t) => {
    const subject = makeSubject(t)
    const first = await subject.open()
    const prediction = samplePrediction()
    await first.putPredictions([prediction])
    await first.commitLabels([{ prediction, label: 4 }], [])
    await first.putPredictions([samplePrediction({ value: 9 })])
    await first.close()
    const store = await subject.open()
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [{ found: 'joined', prediction }])
  })

  t.test('labels store the cohorts that they changed', async (t) => {
    const store = await makeSubject(t).open()
    const prediction = samplePrediction()
    await store.putPredictions([prediction])
    await commit(store, await takeLease(store), null, { putCohorts: [sampleCohort(7)] })
    const changed = sampleCohort(7, { assigned: [20, 2] })
    await store.commitLabels([{ prediction, label: 4 }], [{ service: SERVICE, cohort: changed }])
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [changed])
  })

  t.test('labels bring back neither a dropped cohort nor that of an earlier attempt', async (t) => {
    const store = await makeSubject(t).open()
    const next = sampleCohort(8, { rollout: '1.4->2.0#2' })
    await commit(store, await takeLease(store), null, { putCohorts: [next] })
    const cohorts = [7, 8].map((number) => ({ service: SERVICE, cohort: sampleCohort(number) }))
    await store.commitLabels([], cohorts)
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [next])
  })

  t.test('a label for a prediction that is gone leaves nothing behind', async (t) => {
    const store = await makeSubject(t).open()
    await store.commitLabels([{ prediction: samplePrediction(), label: 4 }], [])
    const query = { service: SERVICE, requestId: 'r-1' }
    t.strictSame(await store.findPredictions([query]), [{ found: 'none' }])
  })

  t.test('predictions go when their retention is over, joined or not', async (t) => {
    const store = await makeSubject(t).open({ retentionMs: 100 })
    const all = manyPredictions(600, (index) => ({ at: index < 300 ? 1000 : 1001 }))
    await store.putPredictions(all)
    await store.commitLabels([{ prediction: all[0]!, label: 1 }], [])
    t.equal(await store.expirePredictions(1100), 0)
    t.equal(await store.expirePredictions(1101), 300)
    t.equal(await store.expirePredictions(1101), 0)
    const found = await store.findPredictions(
      [0, 299, 300].map((index) => ({ service: null, requestId: `r-${index}` })),
    )
    t.strictSame(
      found.map((lookup) => lookup.found),
      ['none', 'none', 'pending'],
    )
    t.equal(await store.expirePredictions(1e9), 300)
  })

  t.test('beyond the maximum the oldest go first, and are counted', async (t) => {
    const store = await makeSubject(t).open({ maxPending: 10 })
    await store.putPredictions(manyPredictions(8))
    await store.putPredictions(manyPredictions(13).slice(8))
    t.equal(await store.expirePredictions(1000), 3)
    t.equal(await store.expirePredictions(1000), 0)
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
    t.equal(await store.expirePredictions(1000), 995)
    const query = { service: SERVICE, requestId: 'r-995' }
    t.match(await store.findPredictions([query]), [{ found: 'pending' }])
  })
}

function manyPredictions(
  count: number,
  change: (index: number) => Partial<Prediction> = () => ({}),
): Prediction[] {
  return Array.from({ length: count }, (_, index) =>
    samplePrediction({ requestId: `r-${index}`, ...change(index) }),
  )
}
