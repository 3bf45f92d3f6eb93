import t from 'tap'
import type { Prediction } from '../../src/domain/prediction.ts'
import {
  counts,
  ExperimentProcesses,
  startTwo,
  variantOf,
  type ExperimentProcess,
} from '../fakes/experiment-processes.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS, RMSE } from '../fakes/simulated-service.ts'

const SERVICE = threeWay([ERRORS, RMSE], true)

const PROMOTE = { verb: 'promote', full: false, variant: 'b', actor: 'me', note: null } as const
const UNDO = { verb: 'undo', actor: 'me', note: null } as const

/** Keys from `from` to `to`, one quarter for each challenger. */
function keys(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** So many keys are judged in each of the two comparisons. */
function judged(baseline: number, challenger: number) {
  const units = [baseline, challenger]
  return { b: { units }, c: { units } }
}

/** Requests that are evidence. */
function evidenceOf({ predictions }: ExperimentProcess): readonly Prediction[] {
  return predictions.filter(({ cohort }) => cohort !== -1)
}

t.test('with keys an experiment learns from all processes, and each key counts once', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
  world.serveKeys(leader, keys(0, 40))
  world.serveKeys(follower, keys(20, 80))
  t.same([leader.predictions, follower.predictions], [[], []], 'none before the claims are known')
  world.serveKeys(follower, keys(20, 80))
  await world.run(1000)
  const firsts = [leader, follower].flatMap((each) => [...evidenceOf(each)])
  t.same(firsts.map(({ unit }) => unit!).toSorted(byNumber), keys(0, 80))
  t.equal(leader.predictions.length + follower.predictions.length, 40 + 120)
  const labels = [
    ...(await world.label(leader, follower)),
    ...(await world.label(follower, leader)),
  ]
  t.same([...new Set(labels)], ['joined'])
  // All of them once more, each at the other one.
  world.serveKeys(follower, keys(0, 40))
  world.serveKeys(leader, keys(20, 80))
  await world.run(9000)
  const each = { units: [40, 20], trials: [40, 20], missing: [0, 0] }
  t.same(counts(world, leader), { b: each, c: each })
  t.same([...evidenceOf(leader), ...evidenceOf(follower)], [])
  t.same(world.errors, [])
})

t.test('a key of the baseline is judged by the same request in all comparisons', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  const tickets = [leader, follower].map((process) => {
    return { process, ticket: world.begin(process, 'baseline', 4) }
  })
  await world.run(250)
  t.same(
    tickets.map(({ ticket }) => ticket.compared.map((place) => place.ticket.first)),
    // Who decides looks first.
    [
      [true, true],
      [false, false],
    ],
  )
  for (const { process, ticket } of tickets) world.end(process, ticket)
  await world.run(9000)
  t.match(counts(world, leader), judged(1, 0))
  t.same(world.errors, [])
})

t.test('events of a key count wherever they are told, in all of its comparisons', async (t) => {
  const { world, leader, follower } = await startTwo(threeWay([ERRORS, RMSE, CONVERSION], true))
  world.serveKeys(leader, keys(0, 20))
  world.serveKeys(follower, keys(0, 40))
  await world.run(1000)
  const at = world.clock.ms
  for (const [served, told] of [
    [leader, follower],
    [follower, leader],
    [follower, follower],
  ] as const) {
    for (const prediction of evidenceOf(served).slice(0, 8)) {
      const booked = told.evaluator.event(prediction, [], {
        name: 'purchase',
        at,
        value: null,
        values: {},
      })
      t.match(booked, { result: 'joined', metrics: 1 })
      const tallies = structuredClone(booked.alsoChanged ?? [])
      await world.store.commitFeedback({ labels: [], events: [], tallies })
    }
    served.predictions.splice(0, 8)
  }
  await world.run(9000)
  for (const variant of ['b', 'c']) {
    const { hypotheses } = world.store.records.get(`svc/${variant}`)!.evidence!
    t.match(hypotheses['conversion'], { trials: [20, 10], events: [12, 6] })
  }
  t.same(world.errors, [])
})

t.test('what was judged alone is not judged again by who comes in mid-experiment', async (t) => {
  const world = new ExperimentProcesses(SERVICE)
  const { claimUnits } = world.store
  const claimed: number[] = []
  world.store.claimUnits = (claims) => {
    t.same([...new Set(claims.map(({ service }) => service))], ['svc/'])
    claimed.push(...claims.flatMap(({ units }) => units))
    return claimUnits(claims)
  }
  const leader = await world.start()
  await world.run(6000)
  world.serveKeys(leader, keys(0, 40))
  await world.run(4000)
  t.same(claimed, [], 'one that is alone asks nobody')
  const follower = await world.start()
  await world.run(4000)
  t.same(claimed.toSorted(byNumber), keys(0, 40), 'each is claimed once')
  world.serveKeys(follower, keys(0, 60))
  await world.run(9000)
  t.match(counts(world, leader), judged(30, 15))
  // It goes, and is not asked for any more.
  await follower.evaluator.stop()
  await world.run(12_000, [leader])
  claimed.splice(0)
  world.serveKeys(leader, keys(0, 80))
  await world.run(9000, [leader])
  t.same(claimed, [])
  t.match(counts(world, leader), judged(40, 20))
  t.same(world.errors, [])
})

t.test('who is left alone judges no key again that waits to be counted', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  const slow = world.begin(leader, 'baseline', 0)
  await world.run(1000)
  world.serveKeys(follower, keys(20, 40))
  await world.run(3000)
  t.equal(world.store.records.get('svc/b')!.evidence, null, 'cohorts are counted in order')
  await follower.evaluator.stop()
  await world.run(2000, [leader])
  t.match(leader.evaluator.replicas, { others: 0, lostShares: 0 })
  world.serveKeys(leader, keys(20, 60))
  await world.run(1000, [leader])
  world.end(leader, slow)
  await world.run(9000, [leader])
  t.match(counts(world, leader), judged(21, 10))
  t.same(world.errors, [])
})

t.test('the keys of who dies with them are lost, and judged by nobody else', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  const third = await world.start()
  await world.run(4000)
  world.serveKeys(follower, keys(0, 20))
  await world.run(250)
  const left = [leader, third]
  world.serveKeys(third, keys(0, 40))
  await world.run(12_000, left)
  const { others, lostShares } = leader.evaluator.replicas!
  t.equal(others, 1)
  t.ok(lostShares > 0 && lostShares % 2 === 0, `${lostShares}: as many of each comparison`)
  t.match(counts(world, leader), judged(10, 5))
  world.serveKeys(leader, keys(0, 60))
  await world.run(12_000, left)
  t.match(counts(world, leader), judged(20, 10))
  t.same(world.errors, [])
})

t.test('who takes over judges no key again', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serveKeys(leader, keys(0, 20))
  world.serveKeys(follower, keys(20, 40))
  await world.run(9000)
  const third = await world.start()
  await world.run(1000)
  // The first one dies.
  const left = [follower, third]
  await world.run(12_000, left)
  t.ok(follower.evaluator.leads)
  world.serveKeys(follower, keys(0, 60))
  world.serveKeys(third, keys(0, 80))
  await world.run(9000, left)
  t.match(counts(world, follower), judged(40, 20))
  // And who comes back has all of them from the store.
  await follower.evaluator.stop()
  await third.evaluator.stop()
  const again = await world.start()
  await world.run(6000, [again])
  world.serveKeys(again, keys(0, 100))
  await world.run(9000, [again])
  t.match(counts(world, again), judged(50, 25))
  t.same(world.errors, [])
})

t.test('a follower hands over what it owes, whatever was promoted meanwhile', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serveKeys(follower, keys(0, 40))
  const pending = world.begin(follower, 'c', 43)
  await world.run(250)
  t.same([...new Set(await world.label(follower, follower))], ['joined'])
  t.match(await leader.evaluator.command('svc', PROMOTE, null), { ok: true })
  await world.run(2000)
  t.equal(follower.winner, 'b')
  world.serveKeys(follower, keys(100, 120))
  t.same(evidenceOf(follower), [], 'nothing is compared')
  t.match(await leader.evaluator.command('svc', UNDO, null), { ok: true })
  await world.run(2000)
  world.end(follower, pending)
  await world.run(9000)
  const trials = { trials: [20, 10], missing: [0, 0] }
  t.match(counts(world, leader), {
    b: { units: [20, 10], ...trials },
    c: { units: [20, 11], trials: [20, 11], missing: [0, 1] },
  })
  t.match(leader.evaluator.replicas, { lostShares: 0 })
  t.same(world.errors, [])
})

t.test('other weights are another attempt, in which each key counts again', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serveKeys(leader, keys(0, 20))
  world.serveKeys(follower, keys(20, 40))
  await world.run(9000)
  const service = threeWay([ERRORS, RMSE], true, { b: 1000, c: 1000 })
  await world.reload(leader, service)
  await world.run(4000)
  follower.predictions.splice(0)
  world.serveKeys(follower, keys(0, 20))
  await world.run(1000)
  t.same(evidenceOf(follower), [], 'another configuration')
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
  await world.reload(follower, service)
  await world.run(4000)
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
  world.serveKeys(leader, keys(0, 20))
  world.serveKeys(follower, keys(0, 60))
  await world.run(9000)
  t.equal(leader.evaluator.experiment('svc')!.id, '1.4 vs B vs C#2')
  t.match(counts(world, leader), judged(30, 15))
  t.same(world.errors, [])
})

t.test('while the store does not answer, nothing counts that may have been judged', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  const { claimUnits } = world.store
  world.store.claimUnits = () => Promise.reject(new Error('gone'))
  world.serveKeys(follower, keys(0, 20))
  await world.run(1000)
  t.same(follower.predictions, [])
  world.store.claimUnits = claimUnits
  await world.run(9000)
  t.equal(evidenceOf(follower).length, 20)
  t.match(counts(world, leader), judged(10, 5))
  t.ok(world.errors.length > 0)
  t.equal(variantOf(evidenceOf(follower)[1]!.unit!), evidenceOf(follower)[1]!.variant)
})

function byNumber(a: number, b: number): number {
  return a - b
}
