import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { buildExperimentPlan, experimentKey } from '../../src/rollout/experiment-plan.ts'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

const NEVER = () => false
const OURS = quickService({ analysis: { metrics: [ERRORS] } })
const FAILING = (_random: unknown, variant: string) =>
  variant === 'canary' ? ({ outcome: 'failed' } as const) : {}

function naming(baseline: string, canary: string, of: Service = OURS): Service {
  const versions = [baseline, canary]
  return { ...of, variants: of.variants.map((v, i) => ({ ...v, version: versions[i]! })) }
}

function rolloutOf(simulation: Simulation, of: Service, hash = 'hash-2') {
  return { plan: buildPlan(of, hash)!, book: simulation.buildBook(of) }
}

t.test(
  'Other steps, loaded while the store is away, are gone on by when it is back.',
  async (t) => {
    const simulation = await simulate(81, 0, () => ({}), [ERRORS])
    const { evaluator, store } = simulation
    t.ok(await simulation.run(30_000, (s) => s.step === 1))
    store.away = true
    await simulation.run(8000, NEVER)
    const of = quickService({
      analysis: { metrics: [ERRORS] },
      spec: { steps: weightSteps([50, 100], 50) },
    })
    t.equal(
      await evaluator.refusal(buildPlan(of, 'hash-2')!),
      null,
      'with a write without an answer',
    )
    await simulation.reload(of, 'hash-2')
    t.same(evaluator.untaken, [
      {
        service: 'svc',
        sentence: 'services.svc: its rollout goes on by the new file when the store has taken it',
      },
    ])
    t.equal(simulation.weightBp, 0, 'what the store does not have gives the canary nothing')
    store.away = false
    t.ok(await simulation.run(30_000, (s) => s.phase === 'progressing' && s.weightBp === 5000))
    t.same(evaluator.untaken, [])
    t.match(store.log.at(-2), { reason: 'steps-changed', configHash: 'hash-2' })
  },
)

t.test('A service that comes while the store is away is taken up when it is back.', async (t) => {
  const simulation = await simulate(82, 0, () => ({}), [ERRORS])
  const { evaluator, store } = simulation
  await simulation.run(2000, NEVER)
  store.away = true
  const other = { ...OURS, name: 'other' }
  t.equal(await evaluator.refusal(buildPlan(other, 'hash-2')!), null)
  await evaluator.reconfigure([rolloutOf(simulation, OURS), rolloutOf(simulation, other)], 'ops')
  t.match(
    evaluator.untakenOf('other'),
    /^services\.other: its rollout is taken up when the store can be asked; until then its baseline alone/,
  )
  t.match(await evaluator.command('other', command('pause'), null), { code: 'SERIN_STORE_FAILED' })
  t.equal(await evaluator.command('nobody', command('pause'), null), null)
  t.equal(evaluator.view('other'), null)
  await evaluator.look()
  store.away = false
  await simulation.run(8000, NEVER)
  t.match(evaluator.view('other'), { state: { phase: 'progressing' } })
  t.equal(evaluator.untakenOf('other'), null)
  t.same(store.log.filter((d) => d.service === 'other').map((d) => d.reason)[0], 'new-version')
})

t.test('A rollback that waits is stored, also where its service is gone by then.', async (t) => {
  for (const comesBack of [false, true]) {
    const simulation = await simulate(83, 0, FAILING, [ERRORS])
    const { evaluator, store } = simulation
    t.ok(await simulation.run(30_000, (s) => s.phase === 'progressing'))
    store.fails = true
    t.ok(await simulation.run(20_000, () => simulation.weightBp === 0))
    t.match(
      await evaluator.refusal(buildPlan(naming('1.4', '3.0'), 'hash-2')!),
      'services.svc: the rollback of 2.0 is not stored yet: other versions are taken when it is',
    )
    await evaluator.reconfigure([], 'ops')
    t.equal(evaluator.view('svc'), null)
    t.match(evaluator.untakenOf('svc'), /is gone; what it owes the store is stored when/)
    await evaluator.look()
    t.equal(store.log.at(-1)!.action, 'start', 'it is not stored yet')
    if (comesBack) await evaluator.reconfigure([rolloutOf(simulation, OURS)], 'ops')
    store.fails = false
    await evaluator.look()
    t.match(store.log.at(-1), { action: 'rollback' })
    t.same(evaluator.untaken, [])
    await evaluator.reconfigure([rolloutOf(simulation, OURS, 'hash-3')], 'ops')
    t.match(simulation.state, { phase: 'rolled-back', weightBp: 0 })
  }
})

t.test('What is gone is not forgotten while nobody holds the lease.', async (t) => {
  const simulation = await simulate(84, 0, FAILING, [ERRORS])
  const { evaluator, store } = simulation
  t.ok(await simulation.run(30_000, (s) => s.phase === 'progressing'))
  store.fails = true
  t.ok(await simulation.run(20_000, () => simulation.weightBp === 0))
  // A full disk gives no lease, and is read all the same.
  const { acquireLease } = store
  store.acquireLease = () => Promise.reject(new Error('disk full'))
  simulation.clock.ms += 10_000
  await evaluator.look()
  await evaluator.reconfigure([], 'ops')
  await evaluator.look()
  t.match(evaluator.untakenOf('svc'), /is gone/)
  store.acquireLease = acquireLease
  store.fails = false
  await evaluator.look()
  t.match(store.log.at(-1), { action: 'rollback' })
  t.equal(evaluator.untakenOf('svc'), null)
})

t.test('A mistake is no store that is away: the reload fails.', async (t) => {
  const simulation = await simulate(85, 0, () => ({}), [ERRORS])
  await simulation.run(2000, NEVER)
  simulation.store.commit = () => Promise.reject(new TypeError('a mistake'))
  await t.rejects(simulation.reload(OURS, 'hash-2'), { message: 'a mistake' })
  simulation.store.readRollout = () => Promise.reject(new TypeError('another'))
  const other = buildPlan({ ...OURS, name: 'other' }, 'hash-2')!
  await t.rejects(simulation.evaluator.refusal(other), { message: 'another' })
})

t.test('What was promoted after the check is not gone on from by another file.', async (t) => {
  const simulation = await simulate(86, 0, () => ({}), [ERRORS])
  const { evaluator, store } = simulation
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  const entries = store.log.length
  await simulation.reload(naming('1.4', '2.1'), 'hash-2')
  await simulation.run(2000, NEVER)
  t.equal(
    evaluator.untakenOf('svc'),
    'services.svc: the file names 2.1 beside 1.4, and the store has 2.0 beside 1.4, of which 2.0 serves: ' +
      '1.4 alone is served here, and nothing is decided. Make 2.0 the baseline, or load the file that the other gateways have',
  )
  t.equal(simulation.weightBp, 0)
  t.equal(store.log.length, entries, 'nothing is decided')
  t.match(await evaluator.command('svc', command('promote'), null), {
    code: 'SERIN_REFUSED',
    detail: 'services.svc: 2.0 serves 100 %: make it the baseline first',
  })
  await simulation.reload(OURS, 'hash-3')
  t.match(simulation.state, { phase: 'promoted', weightBp: 10_000 })
  t.equal(simulation.weightBp, 10_000)
  t.same(simulation.errors, [])
})

t.test(
  'Versions whose past the store could not tell any more are held against it later.',
  async (t) => {
    const simulation = await simulate(87, 0, () => ({}), [ERRORS])
    const { evaluator, store } = simulation
    await simulation.run(4000, NEVER)
    await evaluator.command('svc', command('abort'), null)
    await simulation.reload(naming('1.4', '3.0'), 'hash-2')
    await simulation.run(4000, NEVER)
    t.equal(await evaluator.refusal(buildPlan(OURS, 'hash-3')!), null)
    store.away = true
    await simulation.reload(OURS, 'hash-3')
    t.equal(
      evaluator.untakenOf('svc'),
      'services.svc: whether 2.0 beside 1.4 may begin is known when the store can be asked (the store is away). ' +
        'Until then 1.4 alone is served here, and nothing is decided',
    )
    await simulation.run(2000, NEVER)
    t.equal(simulation.weightBp, 0)
    store.away = false
    await simulation.run(2000, NEVER)
    t.match(simulation.state, { canaryVersion: '2.0', phase: 'rolled-back', weightBp: 0 })
    t.match(store.log.at(-1), { reason: 'rolled-back-before' })
    t.same(evaluator.untaken, [])
  },
)

t.test('Who follows says once that it names another canary than was promoted.', async (t) => {
  const simulation = await simulate(88, 0, () => ({}), [ERRORS])
  const { store, clock } = simulation
  const [told, errors]: [string[][], unknown[]] = [[], []]
  let weightBp = -1
  const follower = new Evaluator({
    ...{ store, clock, holder: 'follower', applyWinner: () => {} },
    apply: (state) => (weightBp = state.weightBp),
    reachability: () => ({ ready: true, downForMs: 0 }),
    fetchProvider: () => Promise.reject(new Error('nobody')),
    confirm: () => 'not-asked',
    onDecision: () => {},
    onUntaken: (untaken) => told.push(untaken.map(({ sentence }) => sentence)),
    onError: (_what, error) => errors.push(error),
  })
  await simulation.run(2000, NEVER)
  await follower.add(rolloutOf(simulation, naming('1.4', '2.1')))
  const both = async (ms: number, done: (s: Simulation['state']) => boolean) => {
    const end = clock.ms + ms
    while (clock.ms < end) {
      if (await simulation.run(250, done)) return true
      await follower.look()
    }
    return false
  }
  await both(1000, NEVER)
  t.equal(weightBp, 0)
  t.match(follower.deciding('svc'), { lead: 'elsewhere', differs: true })
  t.same(told, [], 'another file is told of as such')
  t.ok(await both(60_000, (s) => s.phase === 'promoted'))
  await both(4000, NEVER)
  t.match(told, [[/the file names 2\.1 beside 1\.4, and the store has 2\.0 beside 1\.4/]])
  t.match(follower.deciding('svc'), { lead: 'elsewhere', differs: true })
  t.match(await follower.command('svc', command('promote'), null), {
    code: 'SERIN_REFUSED',
    detail: /by another configuration of this service: nothing was changed/,
  })
  t.equal(weightBp, 0)
  await follower.reconfigure([rolloutOf(simulation, OURS, 'hash')], 'ops')
  t.equal(weightBp, 10_000, 'it goes on following')
  await both(1000, NEVER)
  t.same(told.slice(1), [[]])
  t.match(follower.deciding('svc'), { differs: false })
  t.same(errors, [])
})

t.test(
  'A fixed split is in force while the store is away, and taken up when it is back.',
  async (t) => {
    const world = await ExperimentWorld.begin(threeWay([ERRORS]))
    const { evaluator, store } = world
    await world.run(2, () => ({}))
    store.away = true
    await world.reload(threeWay([ERRORS], false, { b: 1000, c: 2000 }))
    t.match(
      evaluator.untakenOf('svc'),
      /^services\.svc: its fixed split goes on by the new file when/,
    )
    const plan = buildExperimentPlan({ ...world.service, name: 'other' }, 'hash')!
    const other = { plan, book: world.book }
    await evaluator.reconfigureExperiments([world.experiment, other], 'ops')
    t.match(evaluator.untaken, [
      { service: 'svc' },
      { service: 'other', sentence: /is taken up when .* until then the weights of the file are/ },
    ])
    t.match(await evaluator.command('other', command('promote'), null), {
      code: 'SERIN_STORE_FAILED',
    })
    await evaluator.reconfigureExperiments([], 'ops')
    t.match(evaluator.untaken, [{ service: 'svc', sentence: /is gone/ }])
    await evaluator.look()
    await evaluator.reconfigureExperiments([world.experiment], 'ops')
    t.match(evaluator.untakenOf('svc'), /goes on by the new file/)
    store.away = false
    await world.run(2, () => ({}))
    t.same(evaluator.untaken, [])
    const stored = store.records.get(experimentKey('svc'))!.state.fingerprint.steps
    t.equal(stored, world.experiment.plan.fingerprint.steps)
  },
)

t.test(
  'A file that is brought back before the store has taken the one between keeps what was gathered.',
  async (t) => {
    const spec = { steps: weightSteps([20, 50, 100], 1e9) }
    const service = quickService({ spec, analysis: { metrics: [ERRORS] } })
    for (const between of [
      naming('1.4', '3.0', service),
      quickService({ spec, analysis: { metrics: [ERRORS, RMSE] } }),
    ]) {
      const simulation = await simulate(89, 0, () => ({}), [ERRORS], { service, rps: 200 })
      const { store } = simulation
      await simulation.run(8000, NEVER)
      const units = () =>
        (store.records.get('svc')!.evidence?.ratio.starts[0] ?? []).reduce(
          (sum, s) => sum + s.total,
          0,
        )
      const before = units()
      const { length } = store.log
      store.fails = true
      await simulation.reload(between, 'hash-2')
      t.equal(simulation.weightBp, 0)
      await simulation.run(1000, NEVER)
      await simulation.reload(service, 'hash')
      await simulation.run(1000, NEVER)
      store.fails = false
      await simulation.run(40_000, NEVER)
      t.match(simulation.state, { canaryVersion: '2.0', attempt: 1, weightBp: 2000 })
      t.equal(store.log.length, length, 'nothing was decided')
      t.ok(units() > before, `${before}, then ${units()}`)
    }
  },
)
