import type { Test } from 'tap'
import type { Store } from '../../src/store/store.ts'
import { plan } from '../fakes/rollout.ts'
import { commit, SERVICE, sampleCohort, sampleState, takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

const ONE = '1.4->2.0#1'
const TWO = '1.4->2.0#2'
const ALL = { after: 0, limit: 1000 }

const cohort = (number: number, rollout = ONE) =>
  sampleCohort(number, { rollout, openedAt: number * 100, closedAt: number * 100 + 50 })
const archive = (numbers: readonly number[], rollout = ONE, of = plan()) => ({
  archive: { rollout, plan: of, cohorts: numbers.map((n) => cohort(n, rollout)) },
})
const numbersOf = async (store: Store, service = SERVICE, rollout = ONE) =>
  (await store.archivedCohorts(service, rollout, ALL)).map((c) => c.number)

/** What every engine has to do with the archive of cohorts. */
export function testArchive(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test(
    'archived cohorts come back in order and by pages, also from a store opened anew',
    async (t) => {
      const subject = makeSubject(t)
      const first = await subject.open()
      t.strictSame(await first.attempts(SERVICE), [])
      t.equal(await first.archivedPlan(SERVICE, ONE), null)
      t.strictSame(await numbersOf(first), [])
      const lease = await takeLease(first)
      await commit(first, lease, null, archive([3, 4, 5]))
      await commit(first, lease, 1, archive([6, 7], ONE, { ...plan(), configHash: 'later' }))
      await first.close()
      const store = await subject.open()
      const kept = [3, 4, 5, 6, 7].map((n) => cohort(n))
      t.strictSame(await store.archivedCohorts(SERVICE, ONE, ALL), kept)
      t.strictSame(
        await store.archivedCohorts(SERVICE, ONE, { after: 4, limit: 2 }),
        kept.slice(2, 4),
      )
      t.strictSame(await store.archivedCohorts(SERVICE, ONE, { after: 0, limit: 0 }), [])
      t.equal((await store.archivedPlan(SERVICE, ONE))?.configHash, 'later')
      const [attempt] = await store.attempts(SERVICE)
      t.strictSame(attempt, { rollout: ONE, first: 3, cohorts: 5, from: 300, to: 750, evicted: 0 })
    },
  )

  t.test('a cohort that is archived twice is kept once', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null, archive([1, 2]))
    await commit(store, lease, 1, archive([2, 3]))
    t.strictSame(await numbersOf(store), [1, 2, 3])
    t.match(await store.attempts(SERVICE), [{ cohorts: 3 }])
  })

  t.test(
    'mirrored cohorts and those of 100 % are read with a rollout, and never archived',
    async (t) => {
      const store = await makeSubject(t).open()
      const lease = await takeLease(store)
      const mirrored = { ...cohort(2), mirrored: true } as const
      const waiting = [mirrored, cohort(3), { ...cohort(4), pi: 1 }]
      await commit(store, lease, null, { ...archive([1]), putCohorts: waiting })
      t.strictSame((await store.readRollout(SERVICE))?.cohorts, waiting)
      t.strictSame(await numbersOf(store), [1, 3])
      await commit(store, lease, 1, { resetEvidence: true })
      t.strictSame((await store.readRollout(SERVICE))?.cohorts, [])
      t.strictSame(await numbersOf(store), [1, 3])
    },
  )

  t.test('cohorts that wait for labels stand behind the archived ones', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null, { ...archive([1]), putCohorts: [cohort(2), cohort(3, TWO)] })
    t.strictSame(await numbersOf(store), [1, 2])
    t.strictSame((await store.archivedCohorts(SERVICE, ONE, { after: 1, limit: 9 })).length, 1)
  })

  t.test('a new attempt leaves its predecessor whole in the archive', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null, { ...archive([1]), putCohorts: [cohort(2)] })
    const state = sampleState({ attempt: 2, revision: 2 })
    await commit(store, lease, 1, { state, ...archive([], TWO), resetEvidence: true })
    await commit(store, lease, 2, archive([8], TWO, { ...plan(), configHash: 'two' }))
    t.strictSame(await numbersOf(store), [1, 2])
    t.strictSame(await numbersOf(store, SERVICE, TWO), [8])
    t.strictSame(
      (await store.attempts(SERVICE)).map((a) => a.rollout),
      [ONE, TWO],
    )
    t.equal((await store.archivedPlan(SERVICE, ONE))?.configHash, 'hash-1')
    t.equal((await store.archivedPlan(SERVICE, TWO))?.configHash, 'two')
  })

  t.test(
    'over its limit the archive loses the oldest attempt first, of whichever service',
    async (t) => {
      const store = await makeSubject(t).open({ maxCohorts: 6 })
      const lease = await takeLease(store)
      await commit(store, lease, null, { service: 'old', ...archive([1, 2, 3]) })
      await commit(store, lease, null, archive([11, 12, 13]))
      await commit(store, lease, 1, archive([14]))
      t.strictSame(await numbersOf(store, 'old'), [2, 3])
      t.match(await store.attempts('old'), [{ first: 1, cohorts: 2, evicted: 1, from: 200 }])
      await commit(store, lease, 2, archive([15, 16, 17, 18]))
      t.strictSame(await store.attempts('old'), [])
      t.equal(await store.archivedPlan('old', ONE), null)
      t.strictSame(await numbersOf(store), [13, 14, 15, 16, 17, 18])
      t.match(await store.attempts(SERVICE), [{ cohorts: 6, evicted: 2 }])
    },
  )

  t.test('no commit has to make much room at once', async (t) => {
    const subject = makeSubject(t)
    const roomy = await subject.open()
    const lease = await takeLease(roomy)
    await commit(roomy, lease, null, archive(Array.from({ length: 100 }, (_, i) => i + 1)))
    await roomy.close()
    const store = await subject.open({ maxCohorts: 10 })
    await commit(store, lease, 1, archive([101]))
    t.equal((await numbersOf(store)).length, 101 - 32)
    await commit(store, lease, 2, archive([102]))
    await commit(store, lease, 3, archive([103]))
    t.strictSame(await numbersOf(store), [94, 95, 96, 97, 98, 99, 100, 101, 102, 103])
  })

  t.test('a refused commit archives nothing', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null)
    t.match(await commit(store, lease, 7, archive([1])), { ok: false, reason: 'conflict' })
    t.strictSame(await store.attempts(SERVICE), [])
  })
}
