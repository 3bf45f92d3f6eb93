import { open, type Key } from 'lmdb'
import t from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import type { Store } from '../../src/store/store.ts'
import { plan } from '../fakes/rollout.ts'
import { commit, sampleCohort, takeLease } from './samples.ts'

const ONE = '1.4->2.0#1'
const ALL = { after: 0, limit: 1000 }

t.test('cohorts of neighbours stand together, and each service has its own', async (t) => {
  const path = t.testdir()
  const store = await openStore(path)
  const lease = await takeLease(store)
  const services = Array.from({ length: 20 }, (_, n) => `service-${n}`)
  const archive = (service: string, number: number) => ({
    archive: { rollout: ONE, plan: plan(), cohorts: [cohortOf(service, number)] },
  })
  for (const number of [1, 2]) {
    const expected = number === 1 ? null : 1
    await Promise.all(
      services.map((service) =>
        commit(store, lease, expected, { service, ...archive(service, number) }),
      ),
    )
  }
  // Of the same number, but of another moment.
  for (const service of ['service-3', 'service-19']) {
    await commit(store, lease, 2, { service, ...archive(service, 3) })
  }
  for (const service of services) {
    const isLonger = service === 'service-3' || service === 'service-19'
    const numbers = isLonger ? [1, 2, 3] : [1, 2]
    const found = await store.archivedCohorts(service, ONE, ALL)
    t.strictSame(
      found,
      numbers.map((n) => cohortOf(service, n)),
    )
  }
  t.strictSame(await store.archivedCohorts('nobody', ONE, ALL), [])
  await store.close()
  t.equal(countOf(path, 'bundles'), 6, 'two lanes, each with three numbers')
  t.equal(countOf(path, 'archive'), 0)
})

t.test('a later process finds places, and gives the next ones', async (t) => {
  const path = t.testdir()
  for (const [n, service] of ['a', 'b', 'a', 'c'].entries()) {
    const store = await openStore(path)
    const lease = await takeLease(store)
    const before = await store.readRevision(service)
    const cohorts = [cohortOf(service, n + 1)]
    await commit(store, lease, before, {
      service,
      archive: { rollout: ONE, plan: plan(), cohorts },
    })
    await store.close()
  }
  const store = await openStore(path)
  t.strictSame(await numbersOf(store, 'a'), [1, 3])
  t.strictSame(await numbersOf(store, 'b'), [2])
  t.strictSame(await numbersOf(store, 'c'), [4])
  await store.close()
})

t.test('what goes of one service leaves the cohorts of its neighbours', async (t) => {
  const path = t.testdir()
  const evicted: number[] = []
  const store = await openStore(path, 6, (cohorts) => evicted.push(cohorts))
  const lease = await takeLease(store)
  const add = (service: string, revision: number | null, numbers: readonly number[]) => {
    const cohorts = numbers.map((n) => cohortOf(service, n))
    return commit(store, lease, revision, {
      service,
      archive: { rollout: ONE, plan: plan(), cohorts },
    })
  }
  await Promise.all([add('a', null, [1, 2, 3]), add('b', null, [2, 3, 4])])
  await Promise.all([add('a', 1, [5]), add('b', 1, [5])])
  t.strictSame(await numbersOf(store, 'a'), [3, 5], 'its attempt is the oldest')
  t.strictSame(await numbersOf(store, 'b'), [2, 3, 4, 5])
  t.strictSame(evicted, [2], 'told once')
  t.match(await store.attempts('a'), [{ first: 1, cohorts: 2, evicted: 2, from: 1003 }])
  await add('b', 2, [6, 7])
  t.strictSame(await store.attempts('a'), [])
  t.strictSame(await numbersOf(store, 'b'), [2, 3, 4, 5, 6, 7])
  await store.close()
})

t.test(
  'the newest attempts of neighbours stand together, and those before stay known',
  async (t) => {
    const path = t.testdir()
    const store = await openStore(path)
    const lease = await takeLease(store)
    const add = (service: string, revision: number | null, number: number, rollout: string) => {
      const cohorts = [{ ...cohortOf(service, number), rollout }]
      return commit(store, lease, revision, {
        service,
        archive: { rollout, plan: plan(), cohorts },
      })
    }
    const two = '1.4->2.0#2'
    await Promise.all([add('a', null, 1, ONE), add('b', null, 1, ONE)])
    await add('a', 1, 3, two)
    await add('a', 2, 2, ONE)
    await add('a', 3, 4, two)
    const expected = [
      { rollout: ONE, first: 1, cohorts: 2, from: 1001 },
      { rollout: two, first: 3, cohorts: 2, from: 1003 },
    ]
    t.match(await store.attempts('a'), expected)
    await store.close()
    const again = await openStore(path)
    t.match(await again.attempts('a'), expected)
    t.match(await again.attempts('b'), [{ rollout: ONE, first: 1, cohorts: 1 }])
    await again.close()
    t.strictSame([countOf(path, 'newest-attempts'), countOf(path, 'attempts')], [1, 1])
  },
)

t.test('an archive of version 1 of the layout is moved, and counted as before', async (t) => {
  const path = t.testdir()
  const old = open({ path, noSubdir: false, maxDbs: 12 })
  const archive = old.openDB<Buffer, Key>('archive', { encoding: 'binary' })
  const attempts = old.openDB<object, Key>('attempts', {})
  const meta = old.openDB<unknown, string>('meta', {})
  await meta.put('schema', 1)
  let bytes = 0
  const write = async (service: string, first: number, count: number) => {
    let own = 0
    for (let number = first; number < first + count; number += 1) {
      const record = encodeRecord(cohortOf(service, number))
      own += record.length
      await archive.put([service, number], record)
    }
    const last = first + count - 1
    await attempts.put([service, ONE], {
      ...{ rollout: ONE, first, oldest: first, last, cohorts: count, evicted: 0, bytes: own },
      ...{ from: 1000 + first, to: 1000 + last, configHash: plan().configHash },
    })
    bytes += own
  }
  await write('many', 1, 2500)
  await write('few', 2400, 3)
  await meta.put('archive', { cohorts: 2503, bytes })
  await old.close()
  const store = await openStore(path, 2503)
  const first = await numbersOf(store, 'many')
  t.strictSame(first.slice(0, 3), [1, 2, 3])
  const rest = await store.archivedCohorts('many', ONE, { after: 2000, limit: 1000 })
  t.strictSame(rest.at(-1), cohortOf('many', 2500))
  t.equal(rest.length, 500)
  t.strictSame(await numbersOf(store, 'few'), [2400, 2401, 2402])
  const cohorts = [cohortOf('few', 2403)]
  await commit(store, await takeLease(store), null, {
    service: 'few',
    archive: { rollout: ONE, plan: plan(), cohorts },
  })
  t.match(await store.attempts('many'), [{ cohorts: 2499, evicted: 1, from: 1002 }])
  t.match(await store.attempts('few'), [{ cohorts: 4, evicted: 0 }])
  await store.close()
  t.equal(countOf(path, 'archive'), 0)
})

/** A cohort that no other service has. */
function cohortOf(service: string, number: number) {
  return sampleCohort(number, { rollout: ONE, assigned: [service.length, number] })
}

async function numbersOf(store: Store, service: string): Promise<readonly number[]> {
  return (await store.archivedCohorts(service, ONE, ALL)).map(({ number }) => number)
}

function countOf(path: string, table: string): number {
  const root = open({ path, noSubdir: false, maxDbs: 32 })
  try {
    return [...root.openDB<Buffer, Key>(table, { encoding: 'binary' }).getKeys({})].length
  } finally {
    void root.close()
  }
}

function openStore(
  path: string,
  maxCohorts = 1e6,
  onEvicted: (cohorts: number) => void = () => {},
): Promise<Store> {
  return openLmdbStore({
    ...{ path, maxBytes: 64 * 1024 ** 2, maxPending: 1000, retentionMs: 86_400_000 },
    archive: { maxCohorts, maxBytes: 1e9 },
    log: { info: () => {}, warn: () => {} },
    onEvicted,
  })
}
