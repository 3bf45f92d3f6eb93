import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { open, type Key } from 'lmdb'
import t from 'tap'
import type { Test } from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import type { LmdbStoreOptions } from '../../src/store/lmdb-store.ts'
import type { Store } from '../../src/store/store.ts'
import { peekLmdb } from '../../src/store/peek-lmdb.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { encodeUnits } from '../../src/store/unit-codec.ts'
import { plan } from '../fakes/rollout.ts'
import {
  SERVICE,
  commit,
  sampleCohort,
  sampleDecision,
  sampleEvidence,
  samplePrediction,
  sampleState,
  takeLease,
} from './samples.ts'
import { orderOf } from './store-contract-orders.ts'
import { testStore } from './store-contract.ts'
import type { StoreSubject } from './store-contract.ts'

type Logged = { readonly fields: object; readonly message: string }

testStore(t, (t) => makeSubject(t))

t.test("a lease ends by the machine's clock", async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  await store.acquireLease('a', 100, 50)
  t.equal(await store.acquireLease('b', 100, 149), null)
  t.strictSame(await store.acquireLease('b', 100, 150), { holder: 'b', token: 2 })
})

t.test('a clock that is set back makes no lease last longer than its time', async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  await store.acquireLease('gone', 5000, 3_600_000)
  t.equal(await store.acquireLease('next', 5000, 0), null)
  t.equal(await store.acquireLease('next', 5000, 4999), null, 'it may be there')
  t.match(await store.acquireLease('next', 5000, 5000), { holder: 'next' })
  await store.acquireLease('next', 5000, 3_600_000)
  t.equal(await store.acquireLease('other', 5000, 1000), null)
  t.match(await store.acquireLease('next', 5000, 2000), { token: 2 }, 'renewed by who is there')
  t.equal(await store.acquireLease('other', 5000, 6999), null)
})

t.test("orders and answers end by the machine's clock, when others come", async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  const lease = await takeLease(store)
  await store.putOrder(orderOf('a'), 100)
  await store.putOrder(orderOf('b'), 101)
  t.strictSame(await store.takeOrders(lease, 1100), [orderOf('b')])
  await store.putOrder(orderOf('c'), 100)
  await store.putOrder({ ...orderOf('d'), givenAt: 1100 }, 100)
  t.equal(await store.withdrawOrder('c'), false)
  const answer = { ok: true, decision: null } as const
  await store.answerOrder('a', answer, 100, 1000)
  await store.answerOrder('b', answer, 100, 1099)
  t.strictSame(await store.readAnswer('a'), answer)
  await store.answerOrder('d', answer, 100, 1100)
  t.equal(await store.readAnswer('a'), null)
  t.strictSame(await store.readAnswer('b'), answer)
})

t.test('a new store says that it is empty, an old one says nothing', async (t) => {
  const log: Logged[] = []
  const path = t.testdir()
  const first = await openStore(path, { log: listLog(log) })
  t.match(log, [{ fields: { path }, message: /store is empty/ }])
  await first.close()
  const second = await openStore(path, { log: listLog(log) })
  t.equal(log.length, 1)
  await second.close()
})

t.test('a store that older versions wrote, without an archive, is taken up', async (t) => {
  const path = t.testdir()
  const old = open({ path, noSubdir: false, maxDbs: 12 })
  await old.openDB<number, string>('meta', {}).put('schema', 1)
  const cohort = encodeRecord(sampleCohort(1))
  await old.openDB<Buffer, Key>('cohorts', { encoding: 'binary' }).put([SERVICE, 1], cohort)
  await old.close()
  const store = await openStore(path)
  const lease = await takeLease(store)
  await commit(store, lease, null, { dropCohorts: [1] })
  const kept = { rollout: '1.4->2.0#1', plan: plan(), cohorts: [sampleCohort(1), sampleCohort(2)] }
  await commit(store, lease, 1, { archive: kept })
  t.match(await store.attempts(SERVICE), [{ rollout: '1.4->2.0#1', cohorts: 2 }])
  await store.close()
})

t.test(
  'what version 1 of the layout wrote goes on, and is for no older version then',
  async (t) => {
    const path = t.testdir()
    const old = open({ path, noSubdir: false, maxDbs: 12 })
    const table = (name: string) => old.openDB<Buffer, Key>(name, { encoding: 'binary' })
    const units = (cohort: number) => ({ cohort, epoch: 0, seen: [cohort], events: {} })
    await old.openDB<number, string>('meta', {}).put('schema', 1)
    old.openDB('rollbacks', {})
    await table('states').put(SERVICE, encodeRecord(sampleState()))
    await table('evidence').put(SERVICE, encodeRecord(sampleEvidence({ starts: [5] })))
    await table('units').put([SERVICE, 5], encodeUnits(units(5)))
    await old.close()
    t.match(await peekLmdb(path, [{ service: SERVICE, canaryVersion: '2.0' }]), {
      services: [{ state: { revision: 1 }, evidence: { starts: [5] } }],
      isEarlier: true,
    })
    const logged: Logged[] = []
    const store = await openStore(path, { log: listLog(logged) })
    const told = () => logged.filter(({ message }) => message.includes('by an earlier serin'))
    t.match(told(), [{ message: /^the store was written by an earlier serin, which refuses it/ }])
    t.match(await store.readRollout(SERVICE), { evidence: { starts: [5] }, units: [units(5)] })
    const evidence = sampleEvidence({ starts: [5, 6] })
    await commit(store, await takeLease(store), 1, { evidence, putUnits: [units(6)] })
    await store.close()
    t.match(await peekLmdb(path, [{ service: SERVICE, canaryVersion: '2.0' }]), {
      services: [{ evidence }],
      isEarlier: false,
    })
    const again = await openStore(path, { log: listLog(logged) })
    t.equal(told().length, 1, 'said once')
    t.match(await again.readRollout(SERVICE), { evidence, units: [units(5), units(6)] })
    await again.close()
    const root = open({ path, noSubdir: false })
    t.equal(root.openDB<number, string>('meta', {}).get('schema'), 3)
    await root.close()
  },
)

t.test('units of many small cohorts come back, wherever they stand by then', async (t) => {
  const path = t.testdir()
  const units = (cohort: number, seen = [cohort, cohort + 0.5]) => ({
    ...{ cohort, epoch: 0, seen },
    events: { errors: [cohort] },
  })
  const first = await openStore(path)
  const lease = await takeLease(first)
  for (let n = 0; n < 40; n += 1) {
    const evidence = sampleEvidence({ starts: [n] })
    await commit(first, lease, n === 0 ? null : n, { evidence, putUnits: [units(n)] })
  }
  // An answer was lost, and it is made again; the last ones come without evidence.
  const evidence = sampleEvidence({ starts: [39] })
  await commit(first, lease, 40, { evidence, putUnits: [units(39, [1])] })
  await commit(first, lease, 41, { putUnits: [units(40)] })
  await first.close()
  const store = await openStore(path)
  const record = await store.readRollout(SERVICE)
  const all = Array.from({ length: 41 }, (_, n) => (n === 39 ? units(n, [1]) : units(n)))
  t.strictSame(record?.units, all)
  t.strictSame(record?.evidence, evidence)
  await commit(store, lease, 42, { evidence, putUnits: [units(41)] })
  t.strictSame((await store.readRollout(SERVICE))?.units, [...all, units(41)])
  await commit(store, lease, 43, { resetEvidence: true })
  t.strictSame((await store.readRollout(SERVICE))?.units, [])
  await store.close()
})

t.test(
  'an attempt has all of its archived cohorts, whether its record counts them or not',
  async (t) => {
    const path = t.testdir()
    const rollouts = ['1.4->2.0#1', '1.4->2.0#2'] as const
    const archived = (number: number) => {
      const rollout = rollouts[number <= 20 ? 0 : 1]
      const cohort = sampleCohort(number, { rollout, closedAt: 5000 + number })
      return { archive: { rollout, plan: plan(), cohorts: [cohort] } }
    }
    const first = await openStore(path)
    const lease = await takeLease(first)
    for (let n = 1; n <= 25; n += 1) await commit(first, lease, n === 1 ? null : n - 1, archived(n))
    const expected = [
      { rollout: rollouts[0], first: 1, cohorts: 20, from: 1001, to: 5020, evicted: 0 },
      { rollout: rollouts[1], first: 21, cohorts: 5, from: 1021, to: 5025, evicted: 0 },
    ]
    t.strictSame(await first.attempts(SERVICE), expected)
    await first.close()
    // Another lease: nothing of it is known but what is stored. One of them has to go for each that comes.
    const store = await openStore(path, { archive: { maxCohorts: 25, maxBytes: 1e9 } })
    t.strictSame(await store.attempts(SERVICE), expected)
    const numbers = async (rollout: string) =>
      (await store.archivedCohorts(SERVICE, rollout, { after: 0, limit: 99 })).map((c) => c.number)
    t.strictSame((await numbers(rollouts[0])).at(-1), 20)
    t.strictSame(await numbers(rollouts[1]), [21, 22, 23, 24, 25])
    const next = await takeLease(store)
    await commit(store, next, 25, archived(26))
    t.match(await store.attempts(SERVICE), [
      { cohorts: 19, evicted: 1, to: 5020 },
      { cohorts: 6, evicted: 0, to: 5026 },
    ])
    t.strictSame((await numbers(rollouts[0])).length, 19)
    await store.close()
  },
)

t.test(
  'the archive is bounded in bytes too, plans included, and says what it evicts',
  async (t) => {
    const planSize = encodeRecord(plan()).length
    const size = encodeRecord(sampleCohort(1)).length
    // Half a cohort is for numbers that take a byte more.
    const maxBytes = planSize + 20.5 * size
    const evicted: number[] = []
    const onEvicted = (cohorts: number) => evicted.push(cohorts)
    const store = await openStore(t.testdir(), {
      archive: { maxCohorts: 1e6, maxBytes },
      onEvicted,
    })
    const lease = await takeLease(store)
    const archived = (first: number, count: number, attempt: number, of = plan()) => {
      const rollout = `1.4->2.0#${attempt}`
      const numbers = Array.from({ length: count }, (_, i) => first + i)
      const cohorts = numbers.map((number) => sampleCohort(number, { rollout }))
      return { archive: { rollout, plan: of, cohorts } }
    }
    const left = async () => (await store.attempts(SERVICE)).map((a) => [a.cohorts, a.evicted])
    await commit(store, lease, null, archived(0, 50, 1))
    t.strictSame(await left(), [[20, 30]])
    await commit(store, lease, 7, archived(50, 9, 1)).then((r) => t.notOk(r.ok))
    t.strictSame(evicted, [30], 'a refused commit evicts nothing')
    await commit(store, lease, 1, archived(50, 1, 1, { ...plan(), configHash: 'hash-2' }))
    t.strictSame(await left(), [[20, 31]], 'another plan takes the place of the one before')
    // The plan of the second attempt takes the place of cohorts of the first.
    await commit(store, lease, 2, archived(51, 1, 2))
    const rest = Math.floor(20.5 - planSize / size) - 1
    t.strictSame(await left(), [...(rest > 0 ? [[rest, 51 - rest]] : []), [1, 0]])
    await commit(store, lease, 3, archived(52, 19, 2))
    t.strictSame(await left(), [[20, 0]], 'the plan of an attempt goes with its last cohort')
    t.equal(
      evicted.reduce((sum, n) => sum + n, 0),
      51,
    )
    await store.close()
  },
)

t.test(
  'a service whose record is damaged keeps those of the same moment from nothing',
  async (t) => {
    const path = t.testdir()
    const old = open({ path, noSubdir: false, maxDbs: 12 })
    await old.openDB<number, string>('meta', {}).put('schema', 1)
    const whole = encodeRecord(sampleState())
    await old
      .openDB<Buffer, string>('states', { encoding: 'binary' })
      .put('b', whole.subarray(0, 9))
    await old.close()
    const [store, other] = [await openStore(path), await openStore(path)]
    const lease = await takeLease(store)
    const decided = (service: string) => ({ service, decision: sampleDecision({ service }) })
    const results = await Promise.allSettled([
      commit(store, lease, null, decided('a')),
      commit(store, lease, 1, decided('b')),
      commit(store, lease, null, decided('c')),
    ])
    t.match(results, [
      { value: { ok: true, decision: { id: 1 } } },
      { reason: { code: 'SERIN_STORE_FAILED', message: /cannot save the rollout of b/ } },
      { value: { ok: true, decision: { id: 1 } } },
    ])
    for (const service of ['a', 'c']) t.equal(await other.readRevision(service), 1)
    t.match(await commit(store, lease, 1, decided('a')), { ok: true, decision: { id: 2 } })
    await t.rejects(other.readRollout('b'), {
      code: 'SERIN_STORE_FAILED',
      message: new RegExp(
        `^cannot read the rollout of b: what 'states' in ${path} holds of it is damaged \\(.+\\): restore the directory`,
      ),
    })
    await Promise.all([store.close(), other.close()])
  },
)

t.test('a missing directory is made, whatever its name looks like', async (t) => {
  const path = join(t.testdir(), 'deep', 'data.v1')
  const store = await openStore(path)
  t.ok(statSync(path).isDirectory())
  await store.close()
})

t.test('a path that cannot be a directory is refused with the path and the reason', async (t) => {
  const directory = t.testdir({ file: 'x', link: t.fixture('symlink', './nowhere') })
  const code = 'SERIN_STORE_FAILED'
  const file = join(directory, 'file')
  await t.rejects(openStore(file), { code, message: /file is not a directory .*EEXIST/ })
  await t.rejects(openStore(join(file, 'x')), {
    code,
    message: /file\/x is not a dir.*(ENOTDIR|EEXIST)/,
  })
  await t.rejects(openStore(join(directory, 'link', 'x')), {
    code,
    message: /link\/x is not a dir/,
  })
  await t.rejects(openStore('/proc/serin'), { code, message: /\/proc\/serin is not a dir.*ENOENT/ })
})

t.test('a directory with something else in it is refused, and left alone', async (t) => {
  const text = 'this is no database'
  const path = t.testdir({ text: { 'data.mdb': text.repeat(1000) }, cut: { 'data.mdb': text } })
  for (const name of ['text', 'cut']) {
    const message = new RegExp(
      `^cannot open the store at ${join(path, name)}: .*data.mdb is damaged`,
    )
    await t.rejects(openStore(join(path, name)), { code: 'SERIN_STORE_FAILED', message })
    t.ok(readFileSync(join(path, name, 'data.mdb'), 'utf8').startsWith(text))
  }
  const message = /^cannot open the store at .*EISDIR/
  const taken = t.testdir({ 'data.mdb': {} })
  await t.rejects(openStore(taken), { code: 'SERIN_STORE_FAILED', message })
})

t.test('a store of a newer version is refused and stays as it is', async (t) => {
  const path = t.testdir()
  const store = await openStore(path)
  await store.close()
  await writeSchema(path, 4)
  const message = new RegExp(
    `^store at ${path} was written by a newer serin \\(schema 4, this one knows 3\\): run that version, restore a backup from before it, or give this one another path, where `,
  )
  await t.rejects(openStore(path), { code: 'SERIN_STORE_FAILED', message })
  await writeSchema(path, 1)
  await (await openStore(path)).close()
})

t.test('records larger than the space that was asked for are kept', async (t) => {
  const store = await openStore(t.testdir(), { maxBytes: 0 })
  const seen = Array.from({ length: 300_000 }, (_, index) => index * 9007)
  const putUnits = [0, 1, 2].map((cohort) => ({ cohort, epoch: 0, seen, events: {} }))
  await commit(store, await takeLease(store), null, { putUnits })
  const record = await store.readRollout(SERVICE)
  t.equal(record?.units.length, 3)
  t.equal(record?.units[2]?.seen.at(-1), 299_999 * 9007)
  await store.close()
})

t.test('predictions stay within their bytes, however many come', async (t) => {
  const path = t.testdir()
  const store = await openStore(path, { maxBytes: 1024 ** 2 })
  const total = 30_000
  for (let first = 0; first < total; first += 500) {
    const batch = Array.from({ length: 500 }, (_, index) =>
      // Spread like random ids, so that pages are half empty.
      samplePrediction({ requestId: `${((first + index) * 7919) % 100_003}-${first + index}` }),
    )
    await store.putPredictions(batch)
  }
  const { expired, evicted } = await store.expirePredictions(0)
  t.equal(expired, 0)
  t.ok(statSync(join(path, 'data.mdb')).size < 3 * 1024 ** 2, 'the file stays small')
  t.ok(evicted > 0 && total - evicted > 2000, 'and holds what it has room for')
  const newest = { service: SERVICE, requestId: `${((total - 1) * 7919) % 100_003}-${total - 1}` }
  t.match(await store.findPredictions([newest]), [{ found: 'pending' }])
  await store.close()
})

t.test('events that make records grow beyond their bytes put the oldest out', async (t) => {
  const path = t.testdir()
  const store = await openStore(path, { maxBytes: 1024 ** 2 })
  const queryOf = (index: number) => ({ service: SERVICE, requestId: `r-${index}` })
  const total = 3000
  const all = Array.from({ length: total }, (_, index) => samplePrediction(queryOf(index)))
  await store.putPredictions(all)
  t.same(await store.expirePredictions(0), { expired: 0, evicted: 0 }, 'they have room')
  // As many events as a unit may have: 1 KiB each, three times what there is room for.
  const seen = Array.from({ length: 128 }, (_, index) => index)
  let removed = 0
  for (let first = 0; first < total; first += 100) {
    const queries = Array.from({ length: 100 }, (_, index) => queryOf(first + index))
    const found = await store.findPredictions(queries)
    const events = found.flatMap((match) =>
      'record' in match ? [{ ...match, before: 0, events: { seen, totals: [] } }] : [],
    )
    await store.commitFeedback({ labels: [], events, tallies: [] })
    removed += (await store.expirePredictions(0)).evicted
  }
  t.ok(statSync(join(path, 'data.mdb')).size < 3 * 1024 ** 2, 'the file stays small')
  t.ok(removed > 1000 && total - removed > 300, `${removed} of ${total} went`)
  t.match(await store.findPredictions([queryOf(0), queryOf(total - 1)]), [
    { found: 'none' },
    { found: 'pending', events: { seen } },
  ])
  await store.close()
})

t.test('evidence of a store that is read while another writes is of one piece', async (t) => {
  const path = t.testdir()
  const [writer, reader] = [await openStore(path), await openStore(path)]
  const lease = await takeLease(writer)
  let done = false
  const writing = (async () => {
    for (let revision = 0; revision < 60; revision += 1) {
      const evidence = sampleEvidence({ starts: [revision + 1] })
      await commit(writer, lease, revision === 0 ? null : revision, { evidence })
    }
    done = true
  })()
  let reads = 0
  while (!done || reads === 0) {
    const record = await reader.readRollout(SERVICE)
    if (record !== null) {
      reads += 1
      if (record.evidence?.starts[0] !== record.state.revision) t.fail('torn read')
    }
    await nextTurn()
  }
  await writing
  t.ok(reads > 0)
  await Promise.all([writer.close(), reader.close()])
})

function makeSubject(t: Test): StoreSubject {
  const path = t.testdir()
  const stores: Store[] = []
  t.teardown(() => Promise.all(stores.map((store) => store.close())))
  return {
    open: async ({ maxCohorts, ...limits } = {}) => {
      const archive = maxCohorts === undefined ? {} : { archive: { maxCohorts, maxBytes: 1e9 } }
      const store = await openStore(path, { ...archive, ...limits })
      stores.push(store)
      return store
    },
  }
}

function openStore(path: string, options: Partial<LmdbStoreOptions> = {}): Promise<Store> {
  return openLmdbStore({
    path,
    maxBytes: 64 * 1024 ** 2,
    maxPending: 1_000_000,
    retentionMs: 86_400_000,
    log: listLog([]),
    ...options,
  })
}

function listLog(logged: Logged[]): LmdbStoreOptions['log'] {
  const add = (fields: object, message: string) => {
    logged.push({ fields, message })
  }
  return { info: add, warn: add }
}

async function writeSchema(path: string, schema: number): Promise<void> {
  const root = open({ path, noSubdir: false })
  await root.openDB<number, string>('meta', {}).put('schema', schema)
  await root.close()
}
