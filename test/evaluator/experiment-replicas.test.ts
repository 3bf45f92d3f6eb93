import { isDeepStrictEqual } from 'node:util'
import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { counts, ExperimentProcesses, startTwo } from '../fakes/experiment-processes.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { experimentKey } from '../../src/rollout/experiment-plan.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'
import { samplePrediction } from '../store/samples.ts'

const SERVICE = threeWay([ERRORS, RMSE])

t.test('an experiment learns from the requests of all processes', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
  world.serve(leader, 10)
  world.serve(follower, 20)
  // Before its share is handed over, and to who has not served it.
  const early = await world.label(follower, leader)
  await world.run(1000)
  world.serve(follower, 5)
  await world.run(1000)
  const cross = [...(await world.label(leader, follower)), ...(await world.label(follower, leader))]
  t.same([...new Set([...early, ...cross])], ['joined'])
  t.equal(early.length + cross.length, 4 * 35)
  await world.run(9000)
  const each = { units: [70, 35], trials: [70, 35], missing: [0, 0] }
  t.same(counts(world, leader), { b: each, c: each })
  const rmse = leader.evaluator.experiment('svc')!.comparisons[0]!.metrics[1]!.report
  t.match(rmse, { name: 'rmse', baseline: { n: 70, value: 2 }, canary: { n: 35, value: 2 } })
  t.match(leader.evaluator.replicas, { lostShares: 0 })
  t.same(world.errors, [])
})

t.test(
  'labels that cannot be scored are counted, whoever has served, and whoever is told',
  async (t) => {
    const loss = { ...RMSE, name: 'loss', kind: 'log-loss' as const }
    const { world, leader, follower } = await startTwo(threeWay([ERRORS, loss]))
    for (const [served, by, label] of [
      [leader, leader, -1],
      [leader, follower, -1],
      [follower, leader, -1],
      [follower, follower, -1],
      [follower, leader, 1],
    ] as const) {
      world.serve(served, 10)
      await world.run(1000)
      await world.label(served, by, label)
    }
    await world.run(9000)
    for (const { metrics } of leader.evaluator.experiment('svc')!.comparisons) {
      const guard = metrics.find(({ report }) => report.name === 'loss/label-missing')!.report
      t.same(guard.unscored, { labels: 120, of: 150 })
    }
    t.same(world.errors, [])
  },
)

t.test('labels that never come are missing wherever their request was served', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serve(follower, 10)
  await world.run(2000)
  follower.predictions.splice(0, 4)
  await world.label(follower, follower)
  await world.run(9000)
  const each = { units: [20, 10], trials: [20, 10], missing: [2, 1] }
  t.same(counts(world, leader), { b: each, c: each })
  t.same(world.errors, [])
})

t.test('who takes over goes on with what was stored', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serve(leader, 10)
  world.serve(follower, 10)
  await world.run(9000)
  const third = await world.start()
  // The first one dies.
  await world.run(12_000, [follower, third])
  t.ok(follower.evaluator.leads)
  world.serve(follower, 10)
  world.serve(third, 10)
  await world.run(9000, [follower, third])
  const units = [80, 40]
  t.match(counts(world, follower), { b: { units }, c: { units } })
  t.same(world.errors, [])
})

t.test('a winner ends what is compared everywhere', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  world.serve(follower, 5)
  await world.run(9000)
  const promote = { verb: 'promote', full: false, variant: 'b', actor: 'me', note: null } as const
  t.match(await leader.evaluator.command('svc', promote, null), { ok: true })
  await world.run(2000)
  t.equal(follower.winner, 'b')
  follower.predictions.splice(0)
  world.serve(follower, 10)
  t.ok(follower.predictions.every(({ cohort }) => cohort === -1))
  await world.run(9000)
  const units = [10, 5]
  t.match(counts(world, leader), { b: { units }, c: { units } })
  t.same(world.errors, [])
})

t.test(
  'another version of a challenger is another configuration, whatever is served',
  async (t) => {
    const world = new ExperimentProcesses(SERVICE)
    const leader = await world.start()
    await world.run(2000)
    const variants = SERVICE.variants.map((v) => (v.name === 'b' ? { ...v, version: '9.9' } : v))
    const other = await world.start({ ...SERVICE, variants })
    await world.run(4000)
    t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
    t.match(other.evaluator.deciding('svc'), { lead: 'elsewhere', holder: 'p0', differs: true })
    t.same(world.errors, [])
  },
)

t.test(
  'who follows an earlier version of serin, which stored less of the same split, takes part in it',
  async (t) => {
    const world = new ExperimentProcesses(SERVICE)
    const leader = await world.start()
    await world.run(2000)
    const key = experimentKey('svc')
    const record = world.store.records.get(key)!
    const { margins: _, ...fingerprint } = record.state.fingerprint
    world.store.records.set(key, { ...record, state: { ...record.state, fingerprint } })
    const follower = await world.start()
    await world.run(4000)
    t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
    t.match(follower.evaluator.deciding('svc'), { lead: 'elsewhere', differs: false })
    world.serve(follower, 10)
    await world.run(9000)
    const units = [20, 10]
    t.match(counts(world, leader), { b: { units }, c: { units } })
    t.same(world.errors, [])
  },
)

t.test('other weights are another configuration, until they are loaded', async (t) => {
  const { world, leader, follower } = await startTwo(SERVICE)
  const service = threeWay([ERRORS, RMSE], false, { b: 1000, c: 1000 })
  await world.reload(follower, service)
  world.serve(follower, 10)
  t.ok(
    follower.predictions.every(({ cohort }) => cohort === -1),
    'it opens nothing of its own',
  )
  await world.run(4000)
  world.serve(follower, 10)
  await world.run(2000)
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
  await world.reload(leader, service)
  await world.run(4000)
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
  world.serve(follower, 10)
  await world.run(9000)
  const units = [20, 10]
  t.match(counts(world, leader), { b: { units }, c: { units } })
  t.same(world.errors, [])
})

t.test(
  'each request counts once in each of its comparisons, with its label or without',
  async (t) => {
    const turn = fc.record({
      by: fc.nat({ max: 2 }),
      rounds: fc.nat({ max: 3 }),
      ms: fc.constantFrom(250, 500, 750),
      labelledBy: fc.option(fc.nat({ max: 2 })),
      /** Who says and hears nothing in this turn, and is back in the next. */
      silent: fc.nat({ max: 5 }),
    })
    let judged = 0
    let labelled = 0
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 5, maxLength: 15 }), async (turns) => {
        const { world, leader } = await startTwo(SERVICE)
        await world.start()
        await world.run(4000)
        const wanted: Record<string, readonly [number, number]> = {
          baseline: [0, 0],
          b: [0, 0],
          c: [0, 0],
        }
        for (const [turn, { by, rounds, ms, labelledBy, silent }] of turns.entries()) {
          const process = world.all[by]!
          world.serve(process, rounds)
          await world.run(
            ms,
            world.all.filter((_, i) => i === 0 || turn % 2 === 0 || i !== silent),
          )
          const drawn = process.predictions.filter(({ cohort }) => cohort !== -1)
          const to = labelledBy === null ? null : world.all[labelledBy]!
          const results = to === null ? [] : await world.label(process, to)
          process.predictions.splice(0)
          for (const [index, { variant }] of drawn.entries()) {
            // Who has not heard of a cohort yet says so.
            const isMissing = results[index] !== 'joined'
            wanted[variant] = add(wanted[variant]!, isMissing)
            if (!isMissing) labelled += 1
          }
        }
        await world.run(12_000)
        const [[units, missing], b, c] = [wanted['baseline']!, wanted['b']!, wanted['c']!]
        judged += units
        if (units === 0) return world.errors.length === 0
        const of = ([n, late]: readonly [number, number]) => {
          return { units: [units, n], trials: [units, n], missing: [missing, late] }
        }
        const isSame = isDeepStrictEqual(counts(world, leader), { b: of(b), c: of(c) })
        return isSame && world.errors.length === 0
      }),
      { numRuns: 30 },
    )
    t.ok(judged > 200, `${judged} requests were judged`)
    t.ok(labelled > 100, `${labelled} labels joined`)
  },
)

/** One more unit, and whether its label is missing. */
function add([units, missing]: readonly [number, number], isMissing: boolean) {
  return [units + 1, missing + (isMissing ? 1 : 0)] as const
}

t.test(
  'a store that comes back with older data has other winners under the same revisions',
  async (t) => {
    const { world, leader, follower } = await startTwo(SERVICE)
    const before = structuredClone(world.store.records.get('svc/')!)
    const promote = (variant: string) => {
      const order = { verb: 'promote', full: false, variant, actor: 'ops', note: null } as const
      return leader.evaluator.command('svc', order, null)
    }
    t.match(await promote('b'), { ok: true })
    await world.run(1000)
    t.equal(follower.winner, 'b')
    t.match(follower.evaluator.experiment('svc')!.lastDecision, { action: 'promote' })
    // A failover loses it, and who decides comes to another one before the others ask.
    world.store.records.set('svc/', before)
    await promote('c')
    await world.run(500, [leader])
    t.match(await promote('c'), { ok: true })
    await world.run(500)
    t.equal(world.store.records.get('svc/')!.state.revision, before.state.revision + 1)
    t.same([leader.winner, follower.winner], ['c', 'c'])
  },
)

t.test(
  'who decides hears when labels have come to others, whatever they are compared in',
  async (t) => {
    const { world, leader, follower } = await startTwo(SERVICE)
    follower.book.labelled(samplePrediction(), 1)
    await world.run(2000)
    t.same([...leader.evaluator.replicas!.labelledAt.keys()], ['svc'])
    t.same(world.errors, [])
  },
)
