import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

const NEVER = () => false

const GOES_ON = /^services\.svc: its rollout goes on by the new file when the store has taken it$/

/** The store takes the next decision, and its answer is lost on the way. */
function loseNextAnswer({ store }: Simulation): void {
  const { commit } = store
  store.commit = async (change) => {
    const result = await commit(change)
    if (change.decision === undefined) return result
    store.commit = commit
    throw new Error('the answer was lost')
  }
}

function withVersions(of: Service, baseline: string, canary: string): Service {
  const versions = [baseline, canary]
  return { ...of, variants: of.variants.map((v, i) => ({ ...v, version: versions[i]! })) }
}

t.test('a decision whose answer was lost is found in the store, and followed', async (t) => {
  const simulation = await simulate(71, 0, () => ({}), [ERRORS])
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  loseNextAnswer(simulation)
  const undone = await simulation.evaluator.command('svc', command('undo'), null)
  t.match(undone, { ok: false, code: 'SERIN_STORE_FAILED' })
  t.match(simulation.store.log.at(-1), { action: 'undo' })
  await simulation.evaluator.look()
  t.equal(simulation.weightBp, 0, 'although nothing has to be written in a promoted rollout')
  t.match(simulation.state, { phase: 'rolled-back' })
})

t.test('a configuration is held against what the store took without an answer', async (t) => {
  const simulation = await simulate(72, 0, () => ({}), [ERRORS])
  await simulation.run(4000, NEVER)
  loseNextAnswer(simulation)
  await simulation.evaluator.command('svc', command('promote', { full: true }), null)
  const other = withVersions(quickService({ analysis: { metrics: [ERRORS] } }), '1.4', '3.0')
  const refusal = await simulation.evaluator.refusal(buildPlan(other, 'hash-2')!)
  t.equal(refusal, 'services.svc: 2.0 serves 100 %: make it the baseline first')
})

t.test(
  'a version that serves is the next baseline, whatever was loaded and never stored',
  async (t) => {
    const simulation = await simulate(76, 0, () => ({}), [ERRORS])
    t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
    const of = quickService({ analysis: { metrics: [ERRORS] } })
    simulation.store.fails = true
    await simulation.reload(withVersions(of, '2.0', '2.1'), 'hash-2')
    t.match(simulation.evaluator.untakenOf('svc'), GOES_ON)
    t.equal(simulation.weightBp, 0, 'its own baseline serves it')
    const refusal = await simulation.evaluator.refusal(
      buildPlan(withVersions(of, '1.5', '2.1'), 'hash-3')!,
    )
    t.equal(refusal, 'services.svc: 2.0 serves 100 %: make it the baseline first')
    await simulation.reload(of, 'hash-4')
    t.equal(simulation.weightBp, 10_000, 'the one before is taken back')
    simulation.store.fails = false
    await simulation.evaluator.look()
    t.same(simulation.evaluator.untaken, [])
    t.match(simulation.state, { phase: 'promoted', canaryVersion: '2.0' })
  },
)

t.test(
  'another version is refused while the store cannot be asked, other settings are not',
  async (t) => {
    const simulation = await simulate(77, 0, () => ({}), [ERRORS])
    await simulation.run(4000, NEVER)
    const of = quickService({ analysis: { metrics: [ERRORS] }, spec: { watchMs: 5000 } })
    simulation.store.away = true
    t.equal(
      await simulation.evaluator.refusal(buildPlan(withVersions(of, '1.4', '2.1'), 'hash-2')!),
      'services.svc: whether 2.1 beside 1.4 may begin is known when the store can be asked (the store is away)',
    )
    t.equal(await simulation.evaluator.refusal(buildPlan(of, 'hash-2')!), null)
  },
)

t.test('what a write that failed did not store is not forgotten', async (t) => {
  const simulation = await simulate(73, 0, () => ({}), [ERRORS])
  await simulation.run(6000, NEVER)
  simulation.store.fails = true
  await simulation.run(1000, NEVER)
  simulation.store.fails = false
  await simulation.run(2000, NEVER)
  const { evidence } = simulation.store.records.get('svc')!
  const { trials } = evidence!.hypotheses['errors'] as { trials: readonly number[] }
  // All that came after the warm-up and has settled, at 3,000 requests a second.
  t.ok(trials[0]! + trials[1]! > 3000 * 4, JSON.stringify(trials))
})

t.test(
  'other metrics or steps, loaded while the store is away, leave nobody without an answer',
  async (t) => {
    const steps = weightSteps([50, 100], 50)
    const changes = { metrics: [ERRORS, RMSE], fewer: [ERRORS] } as const
    for (const [what, change] of [
      ['other metrics', { analysis: { metrics: changes.metrics } }],
      ['fewer steps', { analysis: { metrics: changes.fewer }, spec: { steps } }],
    ] as const) {
      const simulation = await simulate(74, 0, () => ({}), [ERRORS])
      t.ok(await simulation.run(30_000, (s) => s.step === 2), what)
      simulation.store.fails = true
      await simulation.reload(quickService(change), 'hash-2')
      t.match(simulation.evaluator.untakenOf('svc'), GOES_ON)
      t.equal(simulation.weightBp, 0, 'what begins anew gets nothing before that is stored')
      t.match(simulation.evaluator.view('svc'), { state: { phase: 'idle', step: 0 } })
      t.not(simulation.evaluator.forecast('svc', { rps: 1000, errorRate: null }, null), undefined)
      simulation.store.away = true
      await simulation.run(8000, NEVER)
      t.notOk(
        simulation.errors.some((error) => error instanceof TypeError),
        what,
      )
      simulation.store.away = false
      simulation.store.fails = false
      t.ok(await simulation.run(30_000, (s) => s.phase === 'progressing'), what)
      t.equal(simulation.weightBp, change.analysis.metrics.length === 2 ? 500 : 5000)
    }
  },
)

t.test(
  'all services go on with a new configuration, also where the store takes that of none',
  async (t) => {
    const simulation = await simulate(78, 0, () => ({}), [ERRORS])
    const { evaluator, store } = simulation
    let watchMs = 77_000
    const rolloutOf = (name: string, hash: string) => {
      const spec = { watchMs }
      const of = { ...quickService({ analysis: { metrics: [ERRORS] }, spec }), name }
      return { plan: buildPlan(of, hash)!, book: simulation.buildBook(of) }
    }
    await evaluator.add(rolloutOf('other', 'hash'))
    await simulation.run(1000, NEVER)
    for (const how of ['fails', 'away'] as const) {
      store[how] = true
      const hash = `hash while ${how}`
      watchMs += 1000
      await evaluator.reconfigure([rolloutOf('svc', hash), rolloutOf('other', hash)], 'ops')
      t.match(evaluator.untaken, [
        { service: 'svc', sentence: GOES_ON },
        { service: 'other', sentence: /^services\.other: its rollout goes on/ },
      ])
      store[how] = false
      await evaluator.look()
      t.same(evaluator.untaken, [])
      for (const name of ['svc', 'other']) t.equal(store.records.get(name)!.state.configHash, hash)
    }
  },
)

t.test(
  'a rolled-back version stays so, beside another baseline that was loaded twice before it was stored',
  async (t) => {
    const simulation = await simulate(79, 0, () => ({}), [ERRORS])
    await simulation.run(3000, NEVER)
    await simulation.evaluator.command('svc', command('abort'), null)
    const other = withVersions(quickService({ analysis: { metrics: [ERRORS] } }), '1.5', '2.0')
    simulation.store.fails = true
    for (const hash of ['hash-2', 'hash-3']) await simulation.reload(other, hash)
    simulation.store.fails = false
    await simulation.run(5000, NEVER)
    t.match(simulation.state, {
      phase: 'rolled-back',
      baselineVersion: '1.5',
      canaryVersion: '2.0',
    })
    t.equal(simulation.weightBp, 0)
  },
)

t.test('the log is a chain: a restart with another baseline begins where it ended', async (t) => {
  const simulation = await simulate(75, 0, () => ({}), [ERRORS])
  await simulation.run(4000, NEVER)
  await simulation.evaluator.stop()
  const { store, clock } = simulation
  const successor = new Evaluator({
    ...{ store, clock, holder: 'successor', apply: () => {}, applyWinner: () => {} },
    reachability: () => ({ ready: true, downForMs: 0 }),
    fetchProvider: () => Promise.reject(new Error('nobody')),
    confirm: () => 'not-asked',
    onDecision: () => {},
    onError: (_what, error) => t.fail(String(error)),
  })
  const service = withVersions(quickService({ analysis: { metrics: [ERRORS] } }), '1.5', '2.0')
  const book = simulation.buildBook(service)
  await successor.add({ plan: buildPlan(service, 'hash-2')!, book })
  await successor.look()
  const [started, begun, last] = store.log.toReversed()
  t.match(begun, {
    reason: 'new-version',
    rollout: '1.5->2.0#1',
    from: { phase: 'progressing', weights: last!.to.weights },
    to: { phase: 'idle', weights: { canary: 0 } },
  })
  t.match(started, { action: 'start', from: begun!.to })
  await successor.stop()
})
