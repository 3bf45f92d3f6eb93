import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { parseStore } from '../../src/config/parse-store.ts'
import type { RedisAddress } from '../../src/store/redis-address.ts'
import { openRedisStore } from '../../src/store/redis-store.ts'
import type { Store } from '../../src/store/store.ts'
import { commit, sampleState, takeLease } from '../store/samples.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { startRedis } from '../support/redis-server.ts'
import { run } from './fake-io.ts'

const quiet = {
  log: { info: () => {}, warn: () => {} },
  ...{ maxBytes: 1024 ** 2, maxPending: 10, retentionMs: 1000 },
}

/** A configuration with its store elsewhere, checked; `root` is a folder of the test. */
async function check(
  root: string,
  store: string,
  more = '    split: { weights: { canary: 10% } }',
) {
  const file = join(root, 'serin.yaml')
  writeFileSync(
    file,
    `version: 1
gateway: { listen: 127.0.0.1:0 }
store: '${store}'
services:
  m:
    match: { path: /m/* }
    variants:
      baseline: { version: '1', upstreams: ['http://127.0.0.1:1'] }
      canary: { version: '2', upstreams: ['http://127.0.0.1:2'] }
${more}
`,
  )
  const { exitCode, stdout } = await run(['check', '-c', file])
  return {
    exitCode,
    warnings: stdout.split('\n').filter((line) => line.includes('store:')),
    stdout,
  }
}

const everythingIn = (root: string) =>
  new Set(readdirSync(root, { recursive: true, encoding: 'utf8' }))

t.test('Check tries the store, and leaves nothing behind.', async (t) => {
  const root = t.testdir({})
  for (const path of ['lmdb:./data', 'lmdb:./a/b/c']) {
    t.match(await check(root, path), { exitCode: 0, warnings: [] })
    t.same(everythingIn(root), new Set(['serin.yaml']))
  }
})

t.test('Check lets a store alone that a gateway has open, and finds it good.', async (t) => {
  const root = t.testdir({})
  const path = join(root, 'data')
  const store = await openLmdbStore({ path, ...quiet })
  const before = everythingIn(root)
  const data = readFileSync(join(path, 'data.mdb'))
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [] })
  t.same(everythingIn(root), before.add('serin.yaml'))
  t.same(readFileSync(join(path, 'data.mdb')), data)
  await store.close()
})

const ROLLOUT = '    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'

/** A store in which the service has promoted this version. */
async function promoteIn(store: Store, canaryVersion: string) {
  const versions = { baselineVersion: '0', canaryVersion }
  await commit(store, await takeLease(store), null, {
    service: 'm',
    state: sampleState(
      { ...{ service: 'm', weightBp: 10_000 }, ...versions },
      { phase: 'promoted', promotedAt: 1000 },
    ),
  })
}

t.test('Check warns where the store has promoted what the file does not name.', async (t) => {
  const warned = async (promoted: string, more?: string) => {
    const root = t.testdir({})
    const options = { path: join(root, 'data'), ...quiet }
    const store = await openLmdbStore(options)
    await promoteIn(store, promoted)
    await store.close()
    const data = readFileSync(join(root, 'data', 'data.mdb'))
    const { exitCode, warnings } = await check(root, 'lmdb:./data', more)
    t.equal(exitCode, 0, 'the store may be another one than where it is served')
    t.same(readFileSync(join(root, 'data', 'data.mdb')), data, 'nothing is written')
    return warnings
  }
  t.same(await warned('1', ROLLOUT), [], 'it is the baseline')
  t.same(await warned('0.9', ROLLOUT), [
    'warning: store: a gateway would refuse this file: services.m: 0.9 serves 100 %: make it the baseline first',
  ])
  t.same(await warned('0.9'), [], 'without a rollout nothing is moved')
})

t.test('A store that cannot be used is a warning that says where and why.', async (t) => {
  const warned = async (t: Test, store: string, files: Parameters<Test['testdir']>[0] = {}) => {
    const root = t.testdir(files)
    const { exitCode, warnings, stdout } = await check(root, store)
    t.equal(exitCode, 0, 'the file may be good on another machine')
    t.match(stdout, /is good \(services: m\)\n$/)
    t.equal(warnings.length, 1)
    return warnings[0]!
  }
  await t.test('below what takes no folders', async (t) => {
    const found = await warned(t, 'lmdb:/proc/serin/data')
    t.match(
      found,
      /^warning: store: from here, nothing can be written in \/proc, where .*\/proc\/serin\/data leads: /,
    )
  })
  await t.test('a file', async (t) => {
    t.match(await warned(t, 'lmdb:./taken', { taken: 'x' }), /taken is not a directory/)
  })
  await t.test('a folder with something else in it', async (t) => {
    const found = await warned(t, 'lmdb:./data', { data: { 'data.mdb': 'no database' } })
    t.match(found, /its data\.mdb is damaged, or not a file of LMDB's/)
  })
  await t.test('a Redis that is not there', async (t) => {
    t.match(
      await warned(t, 'redis://127.0.0.1:1/0'),
      /cannot open the store in Redis at 127\.0\.0\.1:1/,
    )
  })
})

t.test('cli/check-redis', skipWithout('redis-server'), async (t) => {
  t.test('Check asks whether a Redis lets it in.', async (t) => {
    const redis = await startRedis(t, t.testdir({}), ['--requirepass', 'right'])
    const root = t.testdir({ configuration: {} })
    const at = (password: string) => `redis://:${password}@127.0.0.1:${redis.port}/0`
    t.same((await check(root, at('right'))).warnings, [])
    const [found] = (await check(root, at('wrong'))).warnings
    t.match(found, /WRONGPASS/)
    t.notMatch(found, /wrong@|:wrong/)
  })
  t.test('Check reads what a Redis has promoted, and writes nothing.', async (t) => {
    const redis = await startRedis(t, t.testdir({}))
    const root = t.testdir({ configuration: {} })
    const address = `redis://127.0.0.1:${redis.port}/0`
    t.same((await check(root, address, ROLLOUT)).warnings, [], 'no store is there')
    const store = await openRedisStore({
      address: parseStore(address, root) as unknown as RedisAddress,
      ...quiet,
    })
    await promoteIn(store, '0.9')
    t.match((await check(root, address, ROLLOUT)).warnings, [/m: 0.9 serves 100 %: make it/])
    await store.close()
  })
})
