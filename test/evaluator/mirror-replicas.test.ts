import t from 'tap'
import type { MetricSpec, MirrorStepSpec } from '../../src/domain/rollout-spec.ts'
import { MirrorProcesses } from '../fakes/mirror-processes.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const MIRROR: MirrorStepSpec = {
  ...{ kind: 'mirror', share: 1, minDurationMs: 5000, minRequests: 1e6 },
  ...{ maxBytes: 1024, tolerance: 0.01 },
}

function mirrored(metrics: readonly MetricSpec[], change: Partial<MirrorStepSpec> = {}) {
  const steps = [{ ...MIRROR, ...change }, ...weightSteps([5, 100], 1e6)]
  return quickService({ spec: { steps }, analysis: { metrics } })
}

const SLOW = { ...RMSE, labelWindowMs: 20_000 }

/** Two processes that know of each other; the second one follows. */
async function startTwo(metrics: readonly MetricSpec[], change: Partial<MirrorStepSpec> = {}) {
  const world = new MirrorProcesses(mirrored(metrics, change))
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(5000)
  return { world, leader, follower }
}

t.test('a mirror step is left by pairs that the one who decides has not seen', async (t) => {
  const metrics = [ERRORS, LATENCY, { ...RMSE, cap: null }]
  const { world, leader, follower } = await startTwo(metrics, { minRequests: 500 })
  let late = 0
  for (let n = 0; world.state.step === 0 && n < 400; n++) {
    const ids = Array.from({ length: 6 }, (_, i) =>
      world.serve(follower, { liveMs: 10 + i, copyMs: 10 + i }),
    )
    await world.run(250)
    for (const [i, id] of ids.entries()) {
      if ((await world.label(i % 2 === 0 ? leader : follower, id)) === 'late') late += 1
    }
  }
  t.equal(world.state.step, 1)
  t.equal(late, 0)
  const advanced = world.store.log.at(-1)!
  const found = (name: string) => advanced.metrics.find((m) => m.name === name)!
  // A cap is learnt from a thousand labels, wherever they come.
  t.match(found('rmse/mirror'), { cap: 1, baseline: { value: 1 } })
  t.ok(found('rmse/mirror').stepCanaryN >= 100, 'labels')
  const { value } = found('latency/mirror').canary
  t.ok(value! > 14.5 && value! < 15.5, `${value} ms`)
  t.ok(found('latency/mirror').canary.n > 1000, 'times of all pairs')
  t.ok(found('latency/mirror').stepCanaryN > 500, 'of which the first ones gave a threshold')
  t.equal(leader.book.mirrors.get('canary')!.pairs, 0)
  t.same(world.errors, [])
})

t.test('first bytes of pairs are evidence of their own, wherever they come', async (t) => {
  const first = { ...LATENCY, name: 'first', until: 'first-byte', max: 100 } as const
  const { world, follower } = await startTwo([LATENCY, first], { minRequests: 1e6 })
  for (let n = 0; world.state.phase === 'progressing' && n < 400; n++) {
    for (let i = 0; i < 6; i++) {
      const firstBytes = { liveMs: 30 + i, copyMs: 60 + i }
      world.serve(follower, { liveMs: 10 + i, copyMs: 10 + i, firstBytes })
    }
    await world.run(250)
  }
  t.equal(world.state.phase, 'rolled-back')
  const decision = world.store.log.at(-1)!
  t.match(decision, { action: 'rollback', reason: 'first/mirror' })
  const found = (name: string) => decision.metrics.find((m) => m.name === name)!
  t.match(found('first/mirror'), { until: 'first-byte', verdict: 'failed' })
  const { baseline, canary } = found('first/mirror')
  t.ok(baseline.value! < 36 && canary.value! > 60, `${baseline.value}, ${canary.value} ms`)
  t.ok(found('latency/mirror').canary.value! < 16, 'until the head')
  t.not(found('latency/mirror').verdict, 'failed')
  t.same(world.errors, [])
})

t.test('an absolute limit holds for the first bytes of pairs', async (t) => {
  const limit = {
    ...LATENCY,
    name: 'first',
    until: 'first-byte',
    maxChange: null,
    max: 50,
  } as const
  const { world, follower } = await startTwo([ERRORS, limit], { minRequests: 1e6 })
  for (let n = 0; world.state.phase === 'progressing' && n < 100; n++) {
    for (let i = 0; i < 6; i++)
      world.serve(follower, { liveMs: 10, copyMs: 10, firstBytes: { liveMs: 30, copyMs: 60 } })
    await world.run(250)
  }
  t.match(world.store.log.at(-1), { action: 'rollback', reason: 'first' })
  t.same(world.errors, [])
})

t.test('labels count where they are posted, and late ones nowhere', async (t) => {
  const { world, leader, follower } = await startTwo([RMSE])
  const labelled = () => world.pairs?.series?.['rmse/above-cap/mirror']?.all
  const ids = [leader, follower, follower].map((process) => world.serve(process))
  const ways = [follower, leader, follower]
  for (const [i, id] of ids.entries()) t.equal(await world.label(ways[i]!, id), 'joined')
  const unlabelled = world.serve(follower)
  await world.run(8000)
  t.match(labelled(), { trials: [3, 3] })
  t.equal(world.pairs!.counts.pairs, 4)
  for (const process of [leader, follower]) {
    t.equal(await world.label(process, unlabelled), 'late')
  }
  // The share is handed over by now, and is changed in the store.
  const next = world.serve(follower)
  await world.run(2000)
  t.equal(await world.label(follower, next), 'joined')
  await world.run(6000)
  t.match(labelled(), { trials: [4, 4] })
  t.ok((await world.store.readOpenings('svc')).length < 8, 'folded ones go')
  t.same(world.errors, [])
})

t.test('what predicts nothing is counted wherever it was served, labelled or not', async (t) => {
  const { world, leader, follower } = await startTwo([SLOW])
  world.serve(leader)
  world.serve(follower, { predictions: [10, null] })
  world.serve(follower, { liveFailed: true, predictions: [null, 10] })
  world.serve(follower, { predictions: null })
  await world.run(4000)
  t.match(world.pairs!.series!['rmse/label-missing/mirror']!.all, {
    ...{ trials: [3, 3], events: [1, 1], both: [0, 0] },
  })
  await world.run(8000, [follower])
  t.ok(follower.evaluator.leads)
  world.serve(follower, { predictions: [10, null] })
  await world.run(4000, [follower])
  t.match(
    world.pairs!.series!['rmse/label-missing/mirror']!.all,
    { trials: [4, 4], events: [1, 2] },
    'it goes on where the lease changes hands',
  )
  t.same(world.errors, [])
})

t.test('a slow copy of who follows is waited for, and one that is dead is not', async (t) => {
  const { world, leader, follower } = await startTwo([ERRORS])
  const slow = world.begin(follower, { copyFailed: true })
  world.serve(leader)
  await world.run(60_000)
  t.equal(world.pairs, undefined, 'whatever is known first would be of the side that is faster')
  slow.end()
  await world.run(3000)
  t.match(world.pairs!.counts, { pairs: 2, canaryFailed: 1 })
  t.match(leader.evaluator.replicas, { others: 1, lostShares: 0 })
  for (const each of [leader, follower]) world.serve(each)
  await world.run(4000, [leader])
  t.equal(world.pairs!.counts.pairs, 2)
  await world.run(4000, [leader])
  t.equal(world.pairs!.counts.pairs, 3)
  t.ok(leader.evaluator.replicas!.lostShares >= 1)
  // It was only asleep: what comes too late is not folded.
  await world.run(6000)
  t.equal(world.pairs!.counts.pairs, 3)
  world.serve(follower)
  await world.run(5000)
  t.equal(world.pairs!.counts.pairs, 4, 'and it takes part again')
  t.same(world.errors, [])
})

t.test('who stops hands over its pairs', async (t) => {
  const { world, leader, follower } = await startTwo([RMSE])
  await world.label(follower, world.serve(follower))
  await follower.evaluator.stop()
  await world.run(8000, [leader])
  t.equal(world.pairs!.counts.pairs, 1)
  t.match(world.pairs!.series!['rmse/above-cap/mirror']!.all, { trials: [1, 1] })
  t.equal(leader.evaluator.replicas!.lostShares, 0)
  t.same(await world.store.readOpenings('svc'), [], 'nothing is left of what was shared')
  world.serve(leader)
  await world.run(4000, [leader])
  t.equal(world.pairs!.counts.pairs, 2, 'alone it goes on as before')
  t.same(world.errors, [])
})

t.test('when the lease changes hands, what was counted stays, and its labels count', async (t) => {
  const { world, leader, follower } = await startTwo([SLOW])
  const third = await world.start()
  await world.run(2000)
  const ids = [leader, follower, third].map((process) => world.serve(process))
  await world.run(3000)
  t.equal(world.pairs!.counts.pairs, 3)
  t.equal(await world.label(third, ids[0]!), 'joined')
  const rest = [follower, third]
  await world.run(8000, rest)
  t.ok(follower.evaluator.leads)
  t.equal(await world.label(follower, ids[1]!), 'joined', 'to who decides now')
  t.equal(await world.label(third, ids[2]!), 'joined', 'to who goes on following')
  world.serve(third)
  await world.run(4000, rest)
  t.equal(world.pairs!.counts.pairs, 4)
  await world.run(20_000, rest)
  t.match(world.pairs!.series!['rmse/above-cap/mirror']!.all, { trials: [3, 3] })
  t.same(world.errors, [])
})

t.test('one that begins alone folds what one that has gone had shared', async (t) => {
  const { world, leader, follower } = await startTwo([SLOW])
  const ids = [leader, follower].map((process) => world.serve(process))
  await world.run(3000)
  for (const id of ids) await world.label(follower, id)
  await follower.evaluator.stop()
  await world.run(1000, [leader])
  world.clock.ms += 8000
  const heir = await world.start()
  await world.run(25_000, [heir])
  t.ok(heir.evaluator.leads)
  t.match(world.pairs!.series!['rmse/above-cap/mirror']!.all, { trials: [2, 2] })
  t.same(await world.store.readOpenings('svc'), [])
  await world.label(heir, world.serve(heir))
  await world.run(25_000, [heir])
  t.match(world.pairs!.series!['rmse/above-cap/mirror']!.all, { trials: [3, 3] }, 'it goes on')
  t.same(world.errors, [])
})

t.test('with the first weight labels of pairs are late everywhere', async (t) => {
  const { world, leader, follower } = await startTwo([{ ...SLOW, mode: 'report' }], {
    minRequests: 10,
  })
  const ids = Array.from({ length: 20 }, () => world.serve(follower))
  await world.run(6000)
  t.equal(world.state.step, 1)
  await world.run(3000)
  for (const process of [leader, follower]) t.equal(await world.label(process, ids[0]!), 'late')
  t.equal(follower.book.mirrors.get('canary')!.ledger!.begin(null), null, 'copies are no evidence')
  t.same(world.errors, [])
})
