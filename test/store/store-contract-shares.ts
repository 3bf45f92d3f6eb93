import type { Test } from 'tap'
import type { EventTally } from '../../src/domain/cohort.ts'
import { NO_PAIRS } from '../../src/domain/pairs.ts'
import type {
  CohortShare,
  PairFigures,
  Publication,
  ReplicaReport,
} from '../../src/domain/replica.ts'
import type { ChangedTallies, FeedbackChange } from '../../src/store/store.ts'
import { SERVICE, commit, sampleCohort, succeedLease, takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

/** The part of the contract that several gateways share cohorts by. */
export function testShares(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test('who follows reads what was published since, the newest of each service', async (t) => {
    const subject = makeSubject(t)
    const [leader, follower] = [await subject.open(), await subject.open()]
    const lease = await takeLease(leader)
    t.strictSame(await follower.readPublications(0), { version: 0, publications: [] })
    const first = [published(1, { service: 'a' }), published(1, { service: 'b' })]
    t.equal(await leader.publish(lease, first), 2)
    t.strictSame(await follower.readPublications(0), { version: 2, publications: first })
    t.strictSame(await follower.readPublications(2), { version: 2, publications: [] })
    t.equal(await leader.publish(lease, [published(2, { service: 'a' })]), 3)
    t.equal(await leader.publish(lease, [published(3, { service: 'a' })]), 4)
    t.strictSame(await follower.readPublications(1), {
      version: 4,
      publications: [first[1]!, published(3, { service: 'a' })],
    })
    const openings = await follower.readOpenings('a')
    t.strictSame(
      openings.map(({ number }) => number),
      [1, 2, 3],
      'each cohort is known until it is folded',
    )
    t.strictSame(openings[0], first[0]!.cohort)
  })

  t.test('who has lost the lease publishes nothing', async (t) => {
    const store = await makeSubject(t).open()
    const old = await takeLease(store, 'old')
    await succeedLease(store, old, 'new')
    t.equal(await store.publish(old, [published(1)]), null)
    t.strictSame(await store.readPublications(0), { version: 0, publications: [] })
    t.strictSame(await store.readOpenings(SERVICE), [])
  })

  t.test('shares come back by cohort and replica; a later one replaces an earlier', async (t) => {
    const subject = makeSubject(t)
    const [leader, follower] = [await subject.open(), await subject.open()]
    const lease = await takeLease(leader)
    const openings = [8, 9].map((number) => openingOf(number))
    await leader.publish(lease, [published(10, { earlier: openings })])
    await follower.report(report('y'), [share(9, 'y'), share(10, 'y')])
    await follower.report(report('x z'), [share(10, 'x z', { assigned: [1, 1] })])
    const last = share(10, 'x z', { assigned: [5, 5], newUnits: [2 ** 53 - 1] })
    for (let time = 0; time < 2; time += 1) await follower.report(report('x z'), [last])
    t.strictSame(await leader.readShares(SERVICE, [8, 9, 10]), [
      share(9, 'y'),
      last,
      share(10, 'y'),
    ])
    t.strictSame(await leader.readShares('other', [9, 10]), [])
  })

  t.test('mirrored cohorts are known as such, and shares of them have their pairs', async (t) => {
    const store = await makeSubject(t).open()
    const mirrored = { ...openingOf(7), mirrored: true } as const
    const publication = published(7, { cohort: mirrored })
    await store.publish(await takeLease(store), [publication])
    t.strictSame((await store.readPublications(0)).publications, [publication])
    t.strictSame(await store.readOpenings(SERVICE), [mirrored])
    const pairs = { ...NO_PAIRS, pairs: 3, compared: 2 }
    const fates = { ...events(3), both: [1, 2] } satisfies EventTally
    const labels = { ...events(2), both: [0, 1] } satisfies EventTally
    await store.report(report('x'), [share(7, 'x', { pairs, tallies: { fates } })])
    await store.commitFeedback(feedback({ replica: 'x', tallies: { labels } }))
    t.strictSame(await store.readShares(SERVICE, [7]), [
      share(7, 'x', { pairs, tallies: { fates, labels } }),
    ])
    const figures: PairFigures = {
      ...{ service: SERVICE, rollout: '1.4->2.0#1', step: 0 },
      labels: { a: { n: [1, 1], sum: [0.5, 0], sumSq: [0.25, 0], product: 0 } },
      times: [{ segment: null, baseline: [[3, 0.5]], inStep: [[[3, 1]], []] }],
    }
    await store.report(report('x', { pairs: [figures] }), [])
    t.strictSame(await store.readReports(), [report('x', { pairs: [figures] })])
  })

  t.test('what feedback changes of a share replaces it until the share comes anew', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await store.publish(lease, [published(7)])
    await store.report(report('x'), [share(7, 'x', { tallies: { a: events(1), b: events(1) } })])
    await store.commitFeedback(feedback({ replica: 'x', tallies: { b: events(5) } }))
    await store.commitFeedback(feedback({ replica: 'y', tallies: { b: events(6) } }))
    t.strictSame(await store.readShares(SERVICE, [7]), [
      share(7, 'x', { tallies: { a: events(1), b: events(5) } }),
      share(7, 'y', { assigned: [0, 0], observed: [0, 0], tallies: { b: events(6) } }),
    ])
    const whole = share(7, 'x', { tallies: { a: events(1), b: events(9) } })
    await store.report(report('x'), [whole])
    t.strictSame((await store.readShares(SERVICE, [7]))[0], whole)
    const record = await store.readRollout(SERVICE)
    t.equal(record, null, 'the cohort itself is another matter')
  })

  t.test('shares of cohorts that were not published, or are folded, go', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    await store.publish(lease, [published(1), published(1, { service: 'other' })])
    await store.publish(lease, [published(2)])
    const all = [share(1, 'x'), share(2, 'x'), share(3, 'x'), share(1, 'x', { service: 'other' })]
    await store.report(report('x'), all)
    t.strictSame(await store.readShares(SERVICE, [1, 2, 3]), [share(1, 'x'), share(2, 'x')])
    await store.publish(lease, [published(3, { through: 1 })])
    t.strictSame(await store.readShares(SERVICE, [1, 2, 3]), [share(2, 'x')])
    t.equal((await store.readShares('other', [1])).length, 1)
    const late = { replica: 'x', tallies: { a: events(1) } }
    await store.commitFeedback(feedback({ ...late, cohort: 1 }))
    await store.report(report('x'), [share(1, 'x')])
    t.strictSame(await store.readShares(SERVICE, [1]), [], 'what comes after is not kept')
    await commit(store, lease, null, { resetEvidence: true })
    t.strictSame(await store.readShares(SERVICE, [1, 2, 3]), [])
    t.strictSame(await store.readOpenings(SERVICE), [])
    t.equal((await store.readOpenings('other')).length, 1)
  })

  t.test('a key is claimed once in an attempt, whoever asks', async (t) => {
    const subject = makeSubject(t)
    const [one, two] = [await subject.open(), await subject.open()]
    const large = 2 ** 53 - 1
    const first = [
      { service: SERVICE, units: [1, large, 1] },
      { service: 'other', units: [1] },
    ]
    t.strictSame(await one.claimUnits(first), [[true, true, false], [true]])
    t.strictSame(await two.claimUnits([{ service: SERVICE, units: [0, large, 2] }]), [
      [true, false, true],
    ])
    const both = [one, two].map((s) => s.claimUnits([{ service: SERVICE, units: [3, 4] }]))
    const won = (await Promise.all(both)).flat(2)
    t.equal(won.filter((each) => each).length, 2, 'of two who ask at once one is first')
    t.strictSame(await one.claimUnits([]), [])
    await commit(one, await takeLease(one), null, { resetEvidence: true })
    t.strictSame(await two.claimUnits(first), [[true, true, false], [false]])
  })

  t.test('replicas say of themselves what they like until they are forgotten', async (t) => {
    const subject = makeSubject(t)
    const [one, two] = [await subject.open(), await subject.open()]
    t.strictSame(await one.readReports(), [])
    await one.report(report('x'), [])
    const second = report('y', { beat: 2, seen: 9, owes: [[SERVICE, 4]], differs: ['a'] })
    await two.report(report('y'), [])
    await two.report(second, [])
    const all = await one.readReports()
    t.strictSame(
      all.toSorted((a, b) => (a.replica < b.replica ? -1 : 1)),
      [report('x'), second],
    )
    await two.forgetReplica('x')
    t.strictSame(await one.readReports(), [second])
  })
}

function openingOf(number: number) {
  const { rollout, step, pi, epoch, judged, openedAt, terms } = sampleCohort(number)
  return { number, rollout, step, pi, epoch, judged, openedAt, terms }
}

function published(number: number, change: Partial<Publication> = {}): Publication {
  return {
    service: SERVICE,
    rollout: '1.4->2.0#1',
    sharingKey: 'k',
    cohort: openingOf(number),
    leaseMs: 4000,
    previous: null,
    earlier: [],
    folded: { errors: -1 },
    through: -1,
    ...change,
  }
}

function share(cohort: number, replica: string, change: Partial<CohortShare> = {}): CohortShare {
  const rollout = '1.4->2.0#1'
  const { assigned, observed, tallies } = sampleCohort(cohort)
  const sums = { assigned, observed, tallies, newUnits: [] }
  return { service: SERVICE, rollout, cohort, replica, ...sums, ...change }
}

function report(replica: string, change: Partial<ReplicaReport> = {}): ReplicaReport {
  return {
    replica,
    beat: 1,
    seen: 0,
    owes: [],
    differs: [],
    learnt: [],
    trips: [],
    steps: [],
    ...change,
  }
}

function events(n: number): EventTally {
  return { kind: 'event', trials: [n, n], events: [n, 0], harmEvents: [n, 0], harmUnits: null }
}

function feedback(change: Partial<ChangedTallies>): FeedbackChange {
  const place = { service: SERVICE, rollout: '1.4->2.0#1', cohort: 7 }
  return { labels: [], events: [], tallies: [{ ...place, tallies: {}, ...change }] }
}
