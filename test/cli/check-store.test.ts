import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { startRedis } from '../support/redis-server.ts'
import { run } from './fake-io.ts'

/** A configuration with its store elsewhere, checked; `root` is a folder of the test. */
async function check(root: string, store: string) {
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
    split: { weights: { canary: 10% } }
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
  const limits = { maxBytes: 1024 ** 2, maxPending: 10, retentionMs: 1000 }
  const store = await openLmdbStore({ path, log: { info: () => {}, warn: () => {} }, ...limits })
  const before = everythingIn(root)
  const data = readFileSync(join(path, 'data.mdb'))
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [] })
  t.same(everythingIn(root), before.add('serin.yaml'))
  t.same(readFileSync(join(path, 'data.mdb')), data)
  await store.close()
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
})
