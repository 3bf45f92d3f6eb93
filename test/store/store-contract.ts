import { deepStrictEqual } from 'node:assert/strict'
import type { Test } from 'tap'
import type { Store } from '../../src/store/store.ts'
import { testArchive } from './store-contract-archive.ts'
import { testLease } from './store-contract-replicas.ts'
import { testOrders } from './store-contract-orders.ts'
import { testNotifyCursors } from './store-contract-notify.ts'
import { testPredictions } from './store-contract-predictions.ts'
import { testShares } from './store-contract-shares.ts'
import {
  SERVICE,
  commit,
  sampleCohort,
  sampleDecision,
  sampleEvidence,
  sampleState,
  succeedLease,
  takeLease,
} from './samples.ts'

/** What an engine must offer to be tested: any number of stores on the same data. */
export type StoreSubject = {
  readonly open: (limits?: {
    maxPending?: number
    retentionMs?: number
    /** Of the archive. */
    maxCohorts?: number
  }) => Promise<Store>
}

/** The tests that every engine of the store has to pass; each asks for data of its own. */
export function testStore(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  testRollouts(t, makeSubject)
  testDecisions(t, makeSubject)
  testNotifyCursors(t, makeSubject)
  testLease(t, makeSubject)
  testShares(t, makeSubject)
  testOrders(t, makeSubject)
  testPredictions(t, makeSubject)
  testArchive(t, makeSubject)
}

function testRollouts(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test('a service without a rollout has no record', async (t) => {
    const store = await makeSubject(t).open()
    t.equal(await store.readRollout(SERVICE), null)
    t.equal(await store.readRevision(SERVICE), null)
    t.equal(await store.rolledBackAt(SERVICE, '2.0'), null)
    t.strictSame(await store.decisions(SERVICE, { after: 0, limit: 10 }), [])
    t.equal(await store.decision(SERVICE, 1), null)
  })

  t.test('what was committed comes back, also after the store was opened anew', async (t) => {
    const subject = makeSubject(t)
    const first = await subject.open()
    const lease = await takeLease(first)
    const units = { cohort: 1, epoch: 0, seen: [2 ** 53 - 1, 0], events: { errors: [5], rmse: [] } }
    const change = {
      decision: sampleDecision(),
      evidence: sampleEvidence(),
      putCohorts: [sampleCohort(10), sampleCohort(9)],
      putUnits: [{ ...units, cohort: 10 }, units],
    }
    const result = await commit(first, lease, null, change)
    t.strictSame(result, { ok: true, decision: { ...sampleDecision(), id: 1 } })
    await first.close()
    const store = await subject.open()
    t.strictSame(await store.readRollout(SERVICE), {
      state: sampleState(),
      evidence: sampleEvidence(),
      cohorts: [sampleCohort(9), sampleCohort(10)],
      units: [units, { ...units, cohort: 10 }],
    })
  })

  t.test('every number of the evidence comes back to the bit', async (t) => {
    const store = await makeSubject(t).open()
    const evidence = sampleEvidence({
      hypotheses: {
        errors: {
          kind: 'bet',
          foldedThrough: -1,
          step: 0,
          harm: [[], [-0, Infinity, -Infinity, Number.NaN, 5e-324, 0.1]],
          proof: [],
          stepProof: [],
          strata: [],
          stepMoments: { n: [0, -0], sum: [1.5, 2 ** 60], sumSq: [0, 0] },
          sup: { harm: -Infinity, proof: -0, stepProof: 0 },
        },
      },
      limitTicks: { __proto__x: 1 },
    })
    await commit(store, await takeLease(store), null, { evidence })
    const record = await store.readRollout(SERVICE)
    // Tells -0 from 0, as tap's comparison does not.
    t.doesNotThrow(() => deepStrictEqual(record?.evidence, evidence))
  })

  t.test('the weight of a comparison is a share of two, and no whole number', async (t) => {
    const store = await makeSubject(t).open()
    const state = sampleState({ weightBp: 30_000 / 7 })
    await commit(store, await takeLease(store), null, { state })
    t.strictSame((await store.readRollout(SERVICE))?.state, state)
  })

  t.test('commits of one moment are each taken or refused by itself', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null, { service: 'b' })
    const decided = { decision: sampleDecision({ service: 'a' }) }
    const results = await Promise.all([
      commit(store, lease, null, { service: 'a', ...decided }),
      commit(store, lease, null, { service: 'b' }),
      commit(store, { ...lease, token: lease.token + 1 }, null, { service: 'c' }),
      commit(store, lease, 1, { service: 'a', ...decided }),
      commit(store, lease, 1, { service: 'b' }),
    ])
    t.match(results, [
      { ok: true, decision: { id: 1 } },
      { ok: false, reason: 'conflict' },
      { ok: false, reason: 'fenced' },
      { ok: true, decision: { id: 2 } },
      { ok: true, decision: null },
    ])
    const revisions = ['a', 'b', 'c'].map((service) => store.readRevision(service))
    t.strictSame(await Promise.all(revisions), [2, 2, null])
  })

  t.test('a commit on another revision is a conflict and changes nothing', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null)
    for (const expectedRevision of [null, 0, 2]) {
      const result = await store.commit({
        service: SERVICE,
        expectedRevision,
        lease,
        state: sampleState({ revision: 9, step: 3 }),
        decision: sampleDecision(),
        evidence: sampleEvidence(),
        putCohorts: [sampleCohort(0)],
        resetEvidence: true,
      })
      t.strictSame(result, { ok: false, reason: 'conflict' })
    }
    const record = { state: sampleState(), evidence: null, cohorts: [], units: [] }
    t.strictSame(await store.readRollout(SERVICE), record)
    t.strictSame(await store.decisions(SERVICE, { after: 0, limit: 10 }), [])
  })

  t.test('of two commits on the same revision exactly one is made', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const results = await Promise.all([commit(store, lease, null), commit(store, lease, null)])
    t.strictSame(results, [
      { ok: true, decision: null },
      { ok: false, reason: 'conflict' },
    ])
  })

  t.test('a commit under a lease that somebody has taken since is fenced off', async (t) => {
    const store = await makeSubject(t).open()
    const old = await takeLease(store, 'old')
    await commit(store, old, null)
    await succeedLease(store, old, 'new')
    t.strictSame(await commit(store, old, 1), { ok: false, reason: 'fenced' })
    t.equal((await store.readRollout(SERVICE))?.state.revision, 1)
    t.equal(await store.readRevision(SERVICE), 1)
  })

  t.test('a commit under a lease that was given back is fenced off', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await store.releaseLease(lease)
    t.strictSame(await commit(store, lease, null), { ok: false, reason: 'fenced' })
  })

  t.test('a state that does not move the revision on is refused', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null)
    const again = commit(store, lease, 1, { state: sampleState({ revision: 1 }) })
    await t.rejects(again, { code: 'SERIN_STORE_FAILED', message: /revision 1 .* does not follow/ })
    const other = commit(store, lease, 1, { state: sampleState({ service: 'x', revision: 2 }) })
    await t.rejects(other, { code: 'SERIN_STORE_FAILED', message: /state of x/ })
  })

  t.test('a commit without a state leaves state and revision as they are', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null)
    const change = { service: SERVICE, expectedRevision: 1, lease, evidence: sampleEvidence() }
    t.strictSame(await store.commit(change), { ok: true, decision: null })
    t.match(await store.readRollout(SERVICE), { state: { revision: 1 }, evidence: { starts: [0] } })
  })

  t.test('cohorts are replaced by their number and go when they are dropped', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await commit(store, lease, null, { putCohorts: [0, 1, 2].map((n) => sampleCohort(n)) })
    const closed = sampleCohort(1, { closedAt: 9 })
    await commit(store, lease, 1, { putCohorts: [closed], dropCohorts: [0, 77] })
    t.strictSame((await store.readRollout(SERVICE))?.cohorts, [closed, sampleCohort(2)])
  })

  t.test('a new attempt removes what the last one left, of this service alone', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const left = {
      evidence: sampleEvidence(),
      putCohorts: [sampleCohort(0), sampleCohort(1)],
      putUnits: [{ cohort: 0, epoch: 0, seen: [1], events: {} }],
    }
    // Names that begin alike, so that a range that is too wide would show.
    for (const service of ['a', 'a-b', 'ab']) await commit(store, lease, null, { ...left, service })
    await commit(store, lease, 1, {
      service: 'a',
      resetEvidence: true,
      putCohorts: [sampleCohort(0, { rollout: '1.4->2.0#2' })],
    })
    t.match(await store.readRollout('a'), { evidence: null, units: [] })
    t.match((await store.readRollout('a'))?.cohorts, [{ rollout: '1.4->2.0#2' }])
    for (const service of ['a-b', 'ab']) {
      const record = await store.readRollout(service)
      t.strictSame(record?.cohorts, left.putCohorts)
      t.strictSame(record?.units, left.putUnits)
      t.strictSame(record?.evidence, left.evidence)
    }
  })

  t.test('a change that cannot be stored is rejected and leaves nothing behind', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const evidence = { ...sampleEvidence(), starts: [() => 0] as unknown as number[] }
    await t.rejects(commit(store, lease, null, { evidence }), { code: 'SERIN_STORE_FAILED' })
    t.equal(await store.readRollout(SERVICE), null)
  })

  t.test('a version that was rolled back is remembered through all that follows', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const phase = { phase: 'rolled-back', rolledBackAt: 5000, rolledBackReason: 'rmse' } as const
    await commit(store, lease, null, { state: sampleState({}, phase) })
    const next = { revision: 2, baselineVersion: '1.5', canaryVersion: '3.0' }
    await commit(store, lease, 1, { state: sampleState(next), resetEvidence: true })
    t.equal(await store.rolledBackAt(SERVICE, '2.0'), 5000)
    t.equal(await store.rolledBackAt(SERVICE, '3.0'), null)
    t.equal(await store.rolledBackAt('other', '2.0'), null)
  })

  t.test('a closed store rejects every call, and may be closed again', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const last = commit(store, lease, null)
    await store.close()
    await store.close()
    t.match(await last, { ok: true }, 'what was asked for before is still done')
    const error = { code: 'SERIN_STORE_FAILED', message: /is closed/ }
    await t.rejects(store.readRollout(SERVICE), error)
    await t.rejects(commit(store, lease, 1), error)
    await t.rejects(store.putPredictions([]), error)
  })
}

function testDecisions(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test('decisions are numbered from 1 by service and paged from the newest', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    for (let revision = 0; revision < 12; revision += 1) {
      const decision = sampleDecision({ at: revision })
      await commit(store, lease, revision === 0 ? null : revision, { decision })
    }
    const other = await commit(store, lease, null, {
      service: 'other',
      decision: sampleDecision({ service: 'other' }),
    })
    t.match(other, { ok: true, decision: { id: 1, service: 'other' } })
    const ids = async (after: number, limit: number) =>
      (await store.decisions(SERVICE, { after, limit })).map(({ id }) => id)
    t.strictSame(await ids(0, 3), [12, 11, 10])
    t.strictSame(await ids(9, 100), [12, 11, 10])
    t.strictSame(await ids(12, 100), [])
    t.strictSame(await ids(0, 0), [])
    t.equal((await ids(0, 1e9)).length, 12)
    t.strictSame(await store.decision(SERVICE, 5), { ...sampleDecision({ at: 4 }), id: 5 })
    t.equal(await store.decision(SERVICE, 13), null)
  })

  t.test('a decision goes into the log of the service that it names', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    const decision = sampleDecision()
    const parts = [`${SERVICE}/`, `${SERVICE}/one`]
    for (const service of parts) await commit(store, lease, null, { service, decision })
    t.strictSame(await store.decisions(SERVICE, { after: 0, limit: 9 }), [
      { ...decision, id: 2 },
      { ...decision, id: 1 },
    ])
    for (const service of parts) {
      t.strictSame(await store.decisions(service, { after: 0, limit: 9 }), [])
    }
  })
}
