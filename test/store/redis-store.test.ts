import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { wrapCohort } from '../../src/store/cohort-envelope.ts'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis-store.ts'
import type { Store } from '../../src/store/store.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { until } from '../e2e/support/until.ts'
import { plan } from '../fakes/rollout.ts'
import { startRedis } from '../support/redis-server.ts'
import { SERVICE, commit, sampleCohort, samplePrediction, takeLease } from './samples.ts'
import { orderOf } from './store-contract-orders.ts'
import { testStore } from './store-contract.ts'
import type { StoreSubject } from './store-contract.ts'

type Logged = { readonly fields: object; readonly message: string }

t.test('store/redis', skipWithout('redis-server'), async (t) => {
  const redis = await startRedis(t, t.testdir(), ['--databases', '2'])

  testStore(t, (t) => makeSubject(t))

  t.test('a new store says that it is empty, an old one says nothing', async (t) => {
    const log: Logged[] = []
    const address = redis.address()
    const first = await openStore(t, { address, log: listLog(log) })
    const place = `127.0.0.1:${redis.port}/0, prefix ${address.prefix}`
    t.match(log, [{ fields: { redis: place }, message: /store is empty/ }])
    await first.close()
    await openStore(t, { address, log: listLog(log) })
    t.equal(log.length, 1)
  })

  t.test("a lease ends by the server's clock, whatever those of the gateways say", async (t) => {
    const store = await openStore(t)
    await store.acquireLease('slow', 60_000, 0)
    t.equal(await store.acquireLease('fast', 60_000, Date.now() + 1e9), null)
    await store.acquireLease('slow', 1, Date.now() + 1e9)
    const taken = await until('it is over', () => store.acquireLease('fast', 60_000, 0))
    t.strictSame(taken, { holder: 'fast', token: 2 })
  })

  t.test('nor longer than its time, where the server before had another clock', async (t) => {
    const address = redis.address()
    const store = await openStore(t, { address })
    await store.acquireLease('gone', 60_000, 0)
    const client = new Redis({ port: redis.port, db: address.db })
    await client.hset(`{${address.prefix}}:lease`, 'expiresAt', Date.now() + 1e9)
    client.disconnect()
    t.equal(await store.acquireLease('next', 50, 0), null)
    const taken = await until('it is over', () => store.acquireLease('next', 50, 0))
    t.match(taken, { holder: 'next' })
  })

  t.test('a call may have as much to say as there is', async (t) => {
    const store = await openStore(t)
    const claims = Array.from({ length: 65_000 }, () => ({ service: SERVICE, units: [] }))
    t.equal((await store.claimUnits(claims)).length, claims.length)
  })

  t.test("orders and answers end by the server's clock, and leave nothing behind", async (t) => {
    const address = redis.address()
    const store = await openStore(t, { address })
    const lease = await takeLease(store)
    await store.putOrder({ ...orderOf('a'), givenAt: Date.now() + 1e9 }, 1)
    await store.answerOrder('b', { ok: true, decision: null }, 1, Date.now() + 1e9)
    await until('it is over', async () => (await store.readAnswer('b')) === null)
    t.equal(await store.withdrawOrder('a'), false)
    await store.putOrder(orderOf('c'), 1)
    await store.putOrder(orderOf('d'), 60_000)
    await store.answerOrder('b', { ok: true, decision: null }, 1, 0)
    await until('it is over', async () => (await store.readAnswer('b')) === null)
    t.strictSame(await store.takeOrders(lease, Date.now() + 1e9), [orderOf('d')])
    const client = new Redis({ port: redis.port, db: address.db })
    t.strictSame(await client.keys(`{${address.prefix}}:order*`), [])
    client.disconnect()
  })

  t.test('the archive is bounded in bytes too', async (t) => {
    const maxBytes = encodeRecord(plan()).length + 20.5 * wrapCohort(sampleCohort(1)).length
    const store = await openStore(t, { archive: { maxCohorts: 1e6, maxBytes } })
    const lease = await takeLease(store)
    const cohorts = Array.from({ length: 50 }, (_, number) => sampleCohort(number))
    await commit(store, lease, null, { archive: { rollout: '1.4->2.0#1', plan: plan(), cohorts } })
    t.match(await store.attempts(SERVICE), [{ cohorts: 20, evicted: 30 }])
  })

  t.test('predictions stay within their bytes, however many come', async (t) => {
    const store = await openStore(t, { maxBytes: 1024 ** 2 })
    const total = 10_000
    for (let first = 0; first < total; first += 500) {
      const batch = Array.from({ length: 500 }, (_, index) =>
        samplePrediction({ requestId: `id-${first + index}`, segment: 'gold' }),
      )
      await store.putPredictions(batch)
    }
    const { evicted: removed } = await store.expirePredictions(0)
    t.ok(total - removed > 2000 && total - removed < 6000, `${total - removed} are left`)
    const lookups = await store.findPredictions([
      { service: SERVICE, requestId: `id-${removed - 1}` },
      { service: SERVICE, requestId: `id-${removed}` },
    ])
    t.match(lookups, [{ found: 'none' }, { found: 'pending' }])
  })

  t.test('of an id of two services each goes when its time is over', async (t) => {
    const store = await openStore(t, { retentionMs: 100 })
    await store.putPredictions([
      samplePrediction({ service: 'a-b', at: 1000 }),
      samplePrediction({ service: 'b', at: 2000 }),
    ])
    t.same(await store.expirePredictions(1500), { expired: 1, evicted: 0 })
    const found = await store.findPredictions([{ service: null, requestId: 'r-1' }])
    t.match(found, [{ found: 'pending', prediction: { service: 'b' } }])
  })

  t.test('feedback whose answer was lost has the same answer again', async (t) => {
    const address = redis.address()
    const [one, other] = [await openStore(t, { address }), await openStore(t, { address })]
    const predictions = ['a', 'b'].map((requestId) => samplePrediction({ requestId }))
    await one.putPredictions(predictions)
    const labels = predictions.map((prediction, i) => ({ record: i + 1, prediction, label: 4 }))
    const [first, all] = [
      { labels: labels.slice(0, 1), events: [], tallies: [] },
      { labels, events: [], tallies: [] },
    ]
    t.strictSame((await other.commitFeedback(first)).labels, [true])
    t.strictSame((await one.commitFeedback(all)).labels, [false, true])
    t.strictSame((await other.commitFeedback({ ...all })).labels, [false, false])
    t.strictSame((await one.commitFeedback(all)).labels, [false, true])
    t.strictSame((await one.commitFeedback({ ...all })).labels, [false, false])
  })

  t.test('evidence of a store that is read while another writes is of one piece', async (t) => {
    const address = redis.address()
    const [writer, reader] = [await openStore(t, { address }), await openStore(t, { address })]
    const lease = await takeLease(writer)
    let done = false
    const writing = (async () => {
      for (let revision = 0; revision < 60; revision += 1) {
        const putUnits = [{ cohort: revision, epoch: 0, seen: [], events: {} }]
        await commit(writer, lease, revision === 0 ? null : revision, { putUnits })
      }
      done = true
    })()
    let reads = 0
    while (!done || reads === 0) {
      const record = await reader.readRollout(SERVICE)
      if (record === null) continue
      reads += 1
      if (record.units.length !== record.state.revision) t.fail('torn read')
    }
    await writing
    t.ok(reads > 0)
  })

  function makeSubject(t: Test): StoreSubject {
    const address = redis.address()
    return {
      open: async ({ maxCohorts, ...limits } = {}) => {
        const archive = maxCohorts === undefined ? {} : { archive: { maxCohorts, maxBytes: 1e9 } }
        return openStore(t, { address, ...archive, ...limits })
      },
    }
  }

  async function openStore(t: Test, options: Partial<RedisStoreOptions> = {}): Promise<Store> {
    const store = await openRedisStore({
      address: redis.address(),
      maxBytes: 64 * 1024 ** 2,
      maxPending: 1_000_000,
      retentionMs: 86_400_000,
      log: listLog([]),
      ...options,
    })
    t.teardown(() => store.close())
    return store
  }
})

function listLog(logged: Logged[]): RedisStoreOptions['log'] {
  const add = (fields: object, message: string) => {
    logged.push({ fields, message })
  }
  return { info: add, warn: add }
}
