import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import t, { type Test } from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { parseConfig } from '../../src/config/load.ts'
import { parseStore } from '../../src/config/parse-store.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import type { RedisAddress } from '../../src/store/redis-address.ts'
import { openRedisStore } from '../../src/store/redis-store.ts'
import type { Store } from '../../src/store/store.ts'
import { commit, sampleEvidence, sampleState, takeLease } from '../store/samples.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { startRedis } from '../support/redis-server.ts'
import { run } from './fake-io.ts'

const quiet = {
  log: { info: () => {}, warn: () => {} },
  ...{ maxBytes: 1024 ** 2, maxPending: 10, retentionMs: 1000 },
}

const textOf = (store: string, more: string) => `version: 1
gateway: { listen: 127.0.0.1:0 }
store: '${store}'
services:
  m:
    match: { path: /m/* }
    variants:
      baseline: { version: '1', upstreams: ['http://127.0.0.1:1'] }
      canary: { version: '2', upstreams: ['http://127.0.0.1:2'] }
${more}
`

/** A configuration with its store elsewhere, checked; `root` is a folder of the test. */
async function check(
  root: string,
  store: string,
  more = '    split: { weights: { canary: 10% } }',
) {
  const file = join(root, 'serin.yaml')
  writeFileSync(file, textOf(store, more))
  const { exitCode, stdout, stderr } = await run(['check', '-c', file])
  return {
    exitCode,
    stderr,
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

t.test('Check warns of a store that every user of the machine may read.', async (t) => {
  const root = t.testdir({})
  const data = join(root, 'data')
  const store = await openLmdbStore({ path: data, ...quiet })
  await store.close()
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [] })
  chmodSync(data, 0o755)
  chmodSync(join(data, 'data.mdb'), 0o644)
  const told = `warning: store: every user of this machine may read ${data}: chmod -R go= ${data}`
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [told] })
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

/** A store that a version with this layout has opened. */
async function writtenUnder(root: string, schema: number): Promise<void> {
  const path = join(root, 'data')
  await (await openLmdbStore({ path, ...quiet })).close()
  const database = open({ path, noSubdir: false })
  await database.openDB<number, string>('meta', {}).put('schema', schema)
  await database.close()
}

t.test('A store that a newer version has opened is bad: a gateway would not start.', async (t) => {
  const root = t.testdir({})
  await writtenUnder(root, 99)
  t.match(await check(root, 'lmdb:./data'), {
    exitCode: 1,
    stdout: /^(?!.*is good)/,
    stderr:
      /serin.yaml:3:8: store: a gateway would refuse this file: store at .*data was written by a newer serin \(schema 99, this one knows \d+\): run that version, restore a backup/,
  })
})

t.test('Check notes that there is no way back from a store of an earlier version.', async (t) => {
  const root = t.testdir({})
  await writtenUnder(root, 1)
  const note =
    'note: store: it was written by an earlier serin, which refuses it once this one has started on it: back it up first'
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [note] })
  t.match(await check(root, 'lmdb:./data'), { warnings: [note] }, 'check has not opened it')
  await (await openLmdbStore({ path: join(root, 'data'), ...quiet })).close()
  t.match(await check(root, 'lmdb:./data'), { exitCode: 0, warnings: [] })
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

t.test('A file that a gateway would refuse, by what the store has promoted, is bad.', async (t) => {
  const checked = async (promoted: string, more?: string) => {
    const root = t.testdir({})
    const store = await openLmdbStore({ path: join(root, 'data'), ...quiet })
    await promoteIn(store, promoted)
    await store.close()
    const data = readFileSync(join(root, 'data', 'data.mdb'))
    const found = await check(root, 'lmdb:./data', more)
    t.same(readFileSync(join(root, 'data', 'data.mdb')), data, 'nothing is written')
    return { ...found, stderr: found.stderr.replaceAll(root, '') }
  }
  t.match(await checked('1', ROLLOUT), { exitCode: 0, warnings: [] }, 'it is the baseline')
  t.match(await checked('0.9', ROLLOUT), {
    exitCode: 1,
    stdout: /^(?!.*is good)/,
    stderr: `/serin.yaml has 1 problem:
  /serin.yaml:8:28: services.m.variants.baseline.version: a gateway would refuse this file: 0.9 serves 100 %: make it the baseline first
`,
  })
  t.match(await checked('0.9'), { exitCode: 0, warnings: [] }, 'without a rollout nothing moves')
})

/** What check says of a file with these lines while a rollout of `ROLLOUT` is at its second step. */
async function noted(
  t: Test,
  more: string,
  change: Partial<RolloutState> = {},
  rolledBack = '0.1',
) {
  const root = t.testdir({})
  const file = textOf('lmdb:./data', ROLLOUT)
  const parsed = parseConfig(file, { file: null, env: {} })
  if (!parsed.ok) throw new Error(parsed.problems[0]!.message)
  const { configHash, fingerprint } = buildPlan(parsed.config.services[0]!, parsed.config.hash)!
  const common = { service: 'm', baselineVersion: '1', step: 1, configHash, fingerprint }
  const undone = { phase: 'rolled-back', rolledBackAt: 5, rolledBackReason: 'operator' } as const
  const store = await openLmdbStore({ path: join(root, 'data'), ...quiet })
  const lease = await takeLease(store)
  await commit(store, lease, null, {
    service: 'm',
    state: sampleState({ ...common, canaryVersion: rolledBack }, undone),
  })
  const state = { ...sampleState({ ...common, canaryVersion: '2', revision: 2 }), ...change }
  const starts = [[{ pi: 0.05, canary: 1640, total: 32_000 }]]
  const evidence = sampleEvidence({ ratio: { foldedThrough: 1, starts, sup: 0 } })
  await commit(store, lease, 1, { service: 'm', state: state as RolloutState, evidence })
  await store.close()
  const { exitCode, stdout, stderr } = await check(root, 'lmdb:./data', more)
  t.equal(exitCode, 0, stderr)
  const notes = stdout.split('\n').filter((line) => line.startsWith('note: '))
  return notes.map((note) => note.replace(`${root}/`, ''))
}

t.test('Check notes what a reload would make of the rollout that runs.', async (t) => {
  const of = (attempt: string) =>
    `note: serin.yaml:5:3: services.m: a reload of this file changes the rollout that runs (${attempt}): `
  const at = of('2 beside 1, attempt 1, step 2 at 5 %, evidence of 1,640 canary units')
  const analysis =
    '    analysis: { metrics: { slow: { kind: latency, quantile: 0.9, maxIncrease: 30% } } }'
  t.same(await noted(t, ROLLOUT), [], 'the same file')
  t.same(await noted(t, ROLLOUT.replace('5%', '5%, minRequests: 9')), [], 'it goes on')
  t.same(await noted(t, `${ROLLOUT}\n${analysis}`), [
    `${at}The analysis of 2 changed: attempt 2 draws anew who gets the canary, and earlier evidence does not count.`,
  ])
  t.same(await noted(t, ROLLOUT.replace('5%', '10%')), [
    `${at}The steps of 2 changed: back to the first one, the evidence stays.`,
  ])
  t.same(await noted(t, '    split: { weights: { canary: 10% } }'), [
    `${at.replace('changes', 'ends').slice(0, -2)}, since it has none for this service`,
  ])
  const known = { canaryVersion: '3', baselineVersion: '0' }
  t.match(
    await noted(t, ROLLOUT, known),
    [
      / The rollout of 3 beside 0 was dropped at 5 %, since .* New canary version 2 beside 1: the rollout starts when the canary is ready\.$/,
    ],
    'never seen',
  )
  t.match(
    await noted(t, ROLLOUT, known, '2'),
    [/\. 2 was rolled back before and stays so: `retry` starts a new attempt\.$/],
    'seen',
  )
  const over = { phase: 'promoted', promotedAt: 5, weightBp: 10_000 } as const
  t.same(await noted(t, `${ROLLOUT}\n${analysis}`, over), [], 'it has ended')
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
    const refused = await check(root, address, ROLLOUT)
    t.equal(refused.exitCode, 1)
    t.match(refused.stderr, /a gateway would refuse this file: 0\.9 serves 100 %: make it/)
    const state = sampleState({ service: 'm', revision: 2, canaryVersion: '2', weightBp: 500 })
    const lease = await takeLease(store)
    await commit(store, lease, 1, { service: 'm', state, evidence: sampleEvidence() })
    t.match((await check(root, address, ROLLOUT)).stdout, /^note: .*The rollout of 2 beside 1\.4/m)
    await store.close()
  })
})
