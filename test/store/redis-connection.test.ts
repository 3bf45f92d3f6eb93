import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import type { ReplicaReport } from '../../src/domain/replica.ts'
import { createRedisConnection } from '../../src/store/redis-connection.ts'
import { openRedisStore, type RedisStoreOptions } from '../../src/store/redis-store.ts'
import type { RedisAddress } from '../../src/store/redis-address.ts'
import type { Store } from '../../src/store/store.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { until } from '../e2e/support/until.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis-server.ts'
import { SERVICE, commit, samplePrediction, takeLease } from './samples.ts'

const code = 'SERIN_STORE_FAILED'

const REPORT: ReplicaReport = {
  replica: 'other',
  ...{ beat: 1, seen: 0, owes: [], differs: [], learnt: [], trips: [], steps: [], faults: [] },
}

t.test('store/redis: connection', skipWithout('redis-server'), async (t) => {
  t.test(
    'while Redis is away every call fails at once, and what was stored is there again',
    async (t) => {
      const redis = await startRedis(t, t.testdir())
      const store = await openStore(t, redis.address())
      const lease = await takeLease(store)
      await commit(store, lease, null)
      await store.putPredictions([samplePrediction()])
      await redis.kill()
      const message = new RegExp(
        `^cannot save the rollout of ${SERVICE}: no connection to Redis at 127`,
      )
      await t.rejects(commit(store, lease, 1), { code, message })
      for (let call = 0; call < 100; call += 1) {
        await t.rejects(store.readRollout(SERVICE), { code, message: /no connection to Redis/ })
      }
      await t.rejects(store.findPredictions([]), { code })
      await redis.start()
      const revision = await until('it is connected again', () =>
        store.readRevision(SERVICE).catch(() => null),
      )
      t.equal(revision, 1)
      t.match(
        await commit(store, lease, 1),
        { ok: true },
        'the lease and the scripts are as before',
      )
      const query = { service: SERVICE, requestId: 'r-1' }
      t.match(await store.findPredictions([query]), [{ found: 'pending' }])
    },
  )

  t.test('each attempt at a server that is not there says why it failed', async (t) => {
    const redis = await startRedis(t, t.testdir())
    await redis.kill()
    const connection = createRedisConnection(redis.address())
    t.teardown(connection.close)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await t.rejects(connection.connect(), { code, message: /nothing listens there/ })
    }
    await redis.start()
    await connection.connect()
    t.equal(await connection.ask('ping', (client) => client.ping()), 'PONG')
  })

  t.test(
    'a Redis that stands still is an error after two seconds, then a new connection',
    async (t) => {
      const redis = await startRedis(t, t.testdir())
      const store = await openStore(t, redis.address())
      redis.signal('SIGSTOP')
      t.teardown(() => redis.signal('SIGCONT'))
      const asked = performance.now()
      const message = /: Redis at 127.0.0.1:\d+\/0 gave no answer within 2 s$/
      await t.rejects(store.readRevision(SERVICE), { code, message })
      const ms = performance.now() - asked
      t.ok(ms > 1900 && ms < 10_000, `${Math.round(ms)} ms`)
      redis.signal('SIGCONT')
      await until('it answers', () => store.acquireLease('one', 1000, 0).catch(() => null))
    },
  )

  t.test(
    'a change that was asked for twice, because its answer was lost, is made once',
    async (t) => {
      const redis = await startRedis(t, t.testdir())
      const store = await openStore(t, redis.address())
      const lease = await takeLease(store)
      await commit(store, lease, null)
      redis.signal('SIGSTOP')
      const lost = commit(store, lease, 1)
      await t.rejects(lost, { code, message: /gave no answer/ })
      redis.signal('SIGCONT')
      await until('it was made all the same', async () => {
        const revision = await store.readRevision(SERVICE).catch(() => null)
        return revision === 2
      })
      t.strictSame(await commit(store, lease, 1), { ok: false, reason: 'conflict' })
    },
  )

  t.test(
    'a Redis that has lost its data takes nothing from who knew them, until they are back',
    async (t) => {
      const redis = await startRedis(t, t.testdir())
      const address = redis.address()
      const store = await openStore(t, address)
      const lease = await takeLease(store)
      await commit(store, lease, null)
      const client = new Redis(redis.port, '127.0.0.1')
      t.teardown(() => client.disconnect())
      const keys = await client.keys('*')
      const kept = await Promise.all(keys.map((key) => client.dumpBuffer(key)))
      await client.flushall()

      const prediction = samplePrediction()
      const tallies = { service: SERVICE, rollout: 'r', cohort: 0, tallies: {} }
      const calls: readonly ((of: Store) => Promise<unknown>)[] = [
        (of) => of.putPredictions([prediction]),
        (of) => of.findPredictions([{ service: null, requestId: prediction.requestId }]),
        (of) => of.commitFeedback({ labels: [], events: [], tallies: [tallies] }),
        (of) => of.expirePredictions(0),
        (of) => of.acquireLease('one', 1000, 0),
        (of) => of.releaseLease(lease),
        (of) => of.report(REPORT, []),
        (of) => of.claimUnits([{ service: SERVICE, units: [1] }]),
        (of) => of.publish(lease, []),
        (of) => of.readPublications(0),
        (of) => of.readOpenings(SERVICE),
        (of) => of.readShares(SERVICE, [0]),
        (of) => of.openNotifyCursor(SERVICE, 'hook'),
        (of) => of.moveNotifyCursor(SERVICE, 'hook', 1),
        (of) => of.attempts(SERVICE),
        (of) => commit(of, lease, 1),
        // Of what has no script, what others begin there is no answer either.
        (of) => of.readRevision(SERVICE),
        (of) => of.readRollout(SERVICE),
        (of) => of.decisions(SERVICE, { after: 0, limit: 1 }),
        (of) => of.leaseHolder(),
      ]
      const message = /LOST the data of this store is gone .*: start the gateways anew/
      for (const call of calls) await t.rejects(call(store), { code, message }, String(call))
      t.strictSame(await client.keys('*'), [], 'nothing was written')

      const afresh = await openStore(t, address)
      t.match(await commit(afresh, await takeLease(afresh), null), { ok: true })
      for (const call of calls) await t.rejects(call(store), { code, message }, String(call))

      await client.flushall()
      for (const [index, key] of keys.entries()) await client.restore(key, 0, kept[index]!)
      await t.rejects(afresh.acquireLease('afresh', 1000, 0), { code, message })
      const again = (await store.acquireLease(lease.holder, 60_000, 0))!
      t.match(await store.readRevision(SERVICE), 1)
      t.match(await commit(store, again, 1), { ok: true })
    },
  )

  t.test('a store of a version that gave no names has one from the next start on', async (t) => {
    const redis = await startRedis(t, t.testdir())
    const address = redis.address()
    const first = await openStore(t, address)
    await commit(first, await takeLease(first), null)
    await first.close()
    const client = new Redis(redis.port, '127.0.0.1')
    t.teardown(() => client.disconnect())
    await client.del(`{${address.prefix}}:id`)
    const log: string[] = []
    const [one, two] = [await openStore(t, address, log), await openStore(t, address, log)]
    t.strictSame(log, [], 'it is not empty')
    t.match(await commit(one, await takeLease(one), 1), { ok: true })
    t.equal(await two.readRevision(SERVICE), 2)
    await two.putPredictions([samplePrediction()])
  })

  t.test('what events had said by an earlier version is read, and added to', async (t) => {
    const redis = await startRedis(t, t.testdir())
    const address = redis.address()
    const store = await openStore(t, address)
    const prediction = samplePrediction({ unit: 17 })
    await store.putPredictions([prediction])
    const client = new Redis(redis.port, '127.0.0.1')
    t.teardown(() => client.disconnect())
    const said = { seen: [7, 8], totals: [2.5] }
    await client.hset(`{${address.prefix}}:prediction-events`, 1, serialize(said))
    const query = { service: SERVICE, unit: 17 }
    t.match(await store.findPredictions([query]), [{ found: 'pending', events: said }])
    const more = { seen: [7, 8, 9], totals: [3.5] }
    const events = [{ record: 1, prediction, before: 2, events: more }]
    const taken = await store.commitFeedback({ labels: [], tallies: [], events })
    t.same(taken, { labels: [], events: [true] })
    t.match(await store.findPredictions([query]), [{ events: more }])
    const late = { labels: [], tallies: [], events }
    t.same(await store.commitFeedback(late), { labels: [], events: [false] }, 'counted from now on')
  })

  t.test('a store of a newer version is refused and stays as it is', async (t) => {
    const redis = await startRedis(t, t.testdir())
    const address = redis.address()
    const client = new Redis(redis.port, '127.0.0.1')
    t.teardown(() => client.disconnect())
    await client.set(`{${address.prefix}}:schema`, 2)
    const message =
      /^store in Redis at .* was written by a newer serin \(schema 2, this one knows 1\): .* another prefix, where /
    await t.rejects(openStore(t, address), { code, message })
    t.strictSame(await client.keys('*'), [`{${address.prefix}}:schema`])
  })

  t.test('a server that would drop keys is warned of', async (t) => {
    const redis = await startRedis(t, t.testdir(), ['--maxmemory-policy', 'allkeys-lru'])
    const log: string[] = []
    await openStore(t, redis.address(), log)
    t.match(log, [/is empty/, /set maxmemory-policy noeviction, not allkeys-lru/])
  })

  t.test('a user that may touch the keys of the store and nothing else is enough', async (t) => {
    const folder = t.testdir()
    const acl = 'user serin on >secret-value ~{team}:* +@all -@dangerous -@admin'
    writeFileSync(join(folder, 'users.acl'), `user default off\n${acl}\n`)
    const redis = await startRedis(t, folder, ['--aclfile', join(folder, 'users.acl')])
    const login = { username: 'serin', password: 'secret-value' }
    const store = await openStore(t, redis.address({ ...login, prefix: 'team' }))
    t.match(await commit(store, await takeLease(store), null), { ok: true })
    await t.rejects(openStore(t, redis.address({ ...login, prefix: 'other' })), {
      code,
      message: /NOPERM/,
    })
    const wrong = redis.address({ ...login, password: 'wrong-value' })
    await t.rejects(openStore(t, wrong), { code, message: /the user or the password is wrong/ })
  })

  t.test('all keys have the prefix in braces, so that a cluster keeps them together', async (t) => {
    const redis = await startRedis(t, t.testdir())
    const store = await openStore(t, redis.address({ prefix: 'team' }))
    await commit(store, await takeLease(store), null)
    await store.putPredictions([samplePrediction()])
    const client = new Redis(redis.port, '127.0.0.1')
    const keys = await client.keys('*')
    client.disconnect()
    t.ok(keys.length > 5 && keys.every((key) => key.startsWith('{team}:')), keys.join())
  })

  t.test('sentinels say where the master is, also when another has become it', async (t) => {
    const folder = t.testdir({ one: {}, two: {}, sentinel: {} })
    const one = await startRedis(t, join(folder, 'one'))
    const two = await startRedis(t, join(folder, 'two'), ['--replicaof', `127.0.0.1 ${one.port}`])
    const file = join(folder, 'sentinel', 'sentinel.conf')
    writeFileSync(
      file,
      [
        `sentinel monitor main 127.0.0.1 ${one.port} 1`,
        // A master that is slow for once is not dead.
        'sentinel down-after-milliseconds main 60000',
        'sentinel failover-timeout main 2000',
      ].join('\n'),
    )
    const sentinel = await startRedis(t, join(folder, 'sentinel'), [], file)
    const client = new Redis(sentinel.port, '127.0.0.1')
    t.teardown(() => client.disconnect())
    await until('the sentinel knows the replica', async () => {
      const replicas = (await client.call('SENTINEL', 'REPLICAS', 'main')) as unknown[]
      return JSON.stringify(replicas).includes(String(two.port))
    })
    const master = new Redis(one.port, '127.0.0.1')
    const servers = [
      { host: '127.0.0.1', port: await freePort() },
      { host: '127.0.0.1', port: sentinel.port },
    ]
    const store = await openStore(t, one.address({ servers, sentinel: 'main' }))
    const lease = await takeLease(store)
    await commit(store, lease, null)
    await until('the replica has it', async () => (await master.wait(1, 1000)) === 1)
    master.disconnect()
    await client.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', '500')
    await one.kill()
    const revision = await until('the other is the master', () =>
      store.readRevision(SERVICE).catch(() => null),
    )
    t.equal(revision, 1)
    await until('it takes changes', () => commit(store, lease, 1).catch(() => null))
    t.equal(await store.readRevision(SERVICE), 2)
    await t.rejects(openStore(t, one.address({ servers, sentinel: 'nobody' })), {
      code,
      message: /no sentinel answers, or none knows this master/,
    })
  })
})

async function openStore(t: Test, address: RedisAddress, logged: string[] = []): Promise<Store> {
  const log = (_fields: object, message: string) => void logged.push(message)
  const options: RedisStoreOptions = {
    address,
    maxBytes: 64 * 1024 ** 2,
    maxPending: 1_000_000,
    retentionMs: 86_400_000,
    log: { info: log, warn: log },
  }
  const store = await openRedisStore(options)
  t.teardown(() => store.close())
  return store
}
