import t from 'tap'
import type { Lead } from '../../src/domain/replica.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { releaseLeaseOf } from '../../src/evaluator/lease-keeper.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { StoreAwayError } from '../../src/store/store-error.ts'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'
import { nobodyAnswers, type Simulation } from '../fakes/simulation.ts'

const FAILING = (from: number) => (random: () => number, variant: string, ms: number) => ({
  outcome:
    variant === 'canary' && ms > from && random() < 0.7 ? ('failed' as const) : ('ok' as const),
})

/** Stored evidence as it goes on after a look of a process that took the rollout up. */
async function takenUp(simulation: Simulation) {
  await simulation.evaluator.look()
  await simulation.evaluator.stop()
  return simulation.store.records.get('svc')!
}

for (const [how, keys] of [
  ['without keys', 0],
  ['with keys', 40_000],
] as const) {
  t.test(`a restart goes on at the same step with the same evidence, ${how}`, async (t) => {
    const better = (random: () => number, variant: string) => ({
      error: errorOf(random, variant === 'canary' ? 2 : 3),
    })
    const simulation = await simulate(11, keys, better)
    t.ok(await simulation.run(30_000, (s) => s.step === 2))
    await simulation.run(3000, () => false)
    const before = structuredClone(simulation.store.records.get('svc')!)
    t.ok(before.cohorts.length > 0, 'cohorts wait for their labels')
    t.equal(before.units.length > 0, keys > 0)
    await simulation.restart()
    t.equal(simulation.weightBp, 5000, 'before anything is decided the weights are those of before')
    t.same(simulation.state, before.state)
    t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
    t.same(simulation.errors, [])
  })
}

t.test('what is stored is taken up as it is, to the last number', async (t) => {
  const simulation = await simulate(12, 40_000, () => ({}), [ERRORS])
  t.ok(await simulation.run(30_000, (s) => s.step === 1))
  await simulation.run(1000, () => false)
  const before = structuredClone(simulation.store.records.get('svc')!)
  await simulation.restart()
  const after = await takenUp(simulation)
  t.same(after.evidence, before.evidence)
  t.same(after.units, before.units)
  t.same(after.state, before.state)
})

t.test('a rolled-back canary stays so over a restart', async (t) => {
  const simulation = await simulate(13, 0, FAILING(0))
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  await simulation.restart()
  await simulation.run(5000, () => false)
  t.match(simulation.state, { phase: 'rolled-back', weightBp: 0, attempt: 1 })
  t.equal(simulation.weightBp, 0)
})

t.test(
  'a rollback that cannot be stored takes effect here at once, and is stored later',
  async (t) => {
    let rps = 3000
    const slowing = {
      get rps() {
        return rps
      },
    }
    const simulation = await simulate(14, 0, FAILING(8000), [ERRORS], slowing)
    await simulation.run(8000, () => false)
    simulation.store.fails = true
    t.ok(await simulation.run(6000, () => simulation.weightBp === 0))
    t.match(simulation.state, { weightBp: 0, phase: 'rolled-back' })
    t.match(simulation.errors, [{ message: 'disk full' }])
    const { length } = simulation.store.log
    rps = 8
    await simulation.run(700_000, () => false)
    t.equal(simulation.weightBp, 0, 'also when what tripped it is long forgotten')
    t.match(await simulation.evaluator.command('svc', command('resume'), null), {
      ok: false,
      code: 'SERIN_STORE_FAILED',
    })
    simulation.store.fails = false
    await simulation.evaluator.look()
    t.match(simulation.state, { phase: 'rolled-back', weightBp: 0 })
    t.equal(simulation.store.log.length, length + 1)
    t.match(simulation.store.log.at(-1), { action: 'rollback', to: { weights: { canary: 0 } } })
  },
)

t.test(
  'a canary that fails while the store is away gets nothing, and is rolled back once it is there',
  async (t) => {
    const simulation = await simulate(15, 0, FAILING(16_000))
    await simulation.run(8000, () => false)
    const { weightBp } = simulation
    simulation.store.away = true
    await simulation.run(7000, () => false)
    t.equal(simulation.evaluator.leads, false, 'the lease has run out')
    t.equal(simulation.weightBp, weightBp, 'nothing moves without the store')
    t.ok(await simulation.run(15_000, () => simulation.weightBp === 0))
    await simulation.run(2000, () => false)
    simulation.store.away = false
    await simulation.evaluator.look()
    t.match(simulation.state, { phase: 'rolled-back', rolledBackReason: 'breaker' })
  },
)

t.test('evidence of before a short absence of the store is not lost', async (t) => {
  const simulation = await simulate(16, 0, () => ({}), [ERRORS])
  await simulation.run(8000, () => false)
  const units = () =>
    simulation.store.records
      .get('svc')!
      .evidence!.ratio.starts[0]!.reduce((sum, s) => sum + s.total, 0)
  simulation.store.fails = true
  const before = units()
  await simulation.run(3000, () => false)
  t.equal(units(), before)
  simulation.store.fails = false
  await simulation.run(1250, () => false)
  t.ok(units() > before + 9000, 'three seconds at 3,000 requests')
})

t.test(
  'of two processes on one store the leader decides and the other follows its weights',
  async (t) => {
    const simulation = await simulate(17, 0, () => ({}), [ERRORS])
    const applied: RolloutState[] = []
    const errors: unknown[] = []
    const service = quickService({ analysis: { metrics: [ERRORS] } })
    const other = new Evaluator({
      store: simulation.store,
      clock: simulation.clock,
      holder: 'the other',
      reachability: () => ({ ready: true, downForMs: 0 }),
      fetchProvider: nobodyAnswers,
      confirm: () => 'given',
      apply: (state) => void applied.push(state),
      applyWinner: () => {},
      onDecision: () => t.fail('only the leader decides'),
      onError: (_what, error) => errors.push(error),
    })
    await simulation.evaluator.look()
    await other.add({ plan: buildPlan(service, 'hash')!, book: simulation.buildBook(service) })
    await simulation.run(15_000, (s) => {
      void other.look()
      return s.step === 2
    })
    await other.look()
    t.same([simulation.evaluator.leads, other.leads], [true, false])
    t.equal(applied.at(-1)!.weightBp, simulation.weightBp)
    t.same(other.view('svc')!.state, simulation.state)
    t.same(errors, [])
  },
)

t.test('a successor goes on from the evidence that its predecessor stored last', async (t) => {
  const service = quickService({
    spec: { steps: weightSteps([5, 100], 1e6) },
    analysis: { metrics: [ERRORS] },
  })
  const simulation = await simulate(18, 0, () => ({}), [ERRORS], { service })
  await simulation.run(5000, (s) => s.phase === 'progressing')
  const successor = new Evaluator({
    store: simulation.store,
    clock: simulation.clock,
    holder: 'successor',
    reachability: () => ({ ready: true, downForMs: 0 }),
    fetchProvider: nobodyAnswers,
    confirm: () => 'given',
    apply: () => {},
    applyWinner: () => {},
    onDecision: () => {},
    onError: (_what, error) => t.fail(String(error)),
  })
  await successor.add({ plan: buildPlan(service, 'hash')!, book: simulation.buildBook(service) })
  await successor.look()
  const { revision } = simulation.state
  // The successor is silent: after five seconds nobody waits for it.
  await simulation.run(8000, () => false)
  const before = structuredClone(simulation.store.records.get('svc')!)
  t.equal(before.state.revision, revision, 'evidence has grown under the same revision')
  t.ok(before.evidence!.ratio.starts[0]!.length > 0)
  simulation.clock.ms += 6000
  await successor.look()
  t.equal(successor.leads, true)
  await successor.stop()
  t.same(simulation.store.records.get('svc')!.evidence, before.evidence)
})

t.test('who begins or ceases to decide is told once', async (t) => {
  const simulation = await simulate(23, 0, () => ({}), [ERRORS])
  const told: Lead[] = []
  const second = new Evaluator({
    store: simulation.store,
    clock: simulation.clock,
    holder: 'second',
    reachability: () => ({ ready: true, downForMs: 0 }),
    apply: () => {},
    applyWinner: () => {},
    onDecision: () => {},
    fetchProvider: nobodyAnswers,
    confirm: () => 'given',
    onLead: (lead) => told.push(lead),
    onError: (_what, error) => t.match(error, { message: 'away' }),
  })
  await simulation.evaluator.look()
  for (let n = 0; n < 3; n++) await second.look()
  t.same(told, ['elsewhere'])
  simulation.clock.ms += 6000
  for (let n = 0; n < 3; n++) await second.look()
  t.same(told, ['elsewhere', 'here'])
  simulation.store.acquireLease = () => Promise.reject(new Error('away'))
  simulation.clock.ms += 6000
  for (let n = 0; n < 3; n++) await second.look()
  t.same(told, ['elsewhere', 'here', 'unknown'], 'without an answer nobody is known')
  await second.stop()
})

t.test('who lost the lease unnoticed has its writes fenced off and follows', async (t) => {
  const simulation = await simulate(19, 0, () => ({}), [ERRORS])
  await simulation.run(6000, () => false)
  const { store, clock } = simulation
  await store.acquireLease('thief', 60_000, clock.ms + 10_000)
  const { length } = store.changes
  await simulation.run(2500, () => false)
  t.equal(store.changes.length, length)
  t.match(simulation.errors[0], { message: 'the lease to decide was lost to another process' })
  await simulation.run(60_000, () => simulation.evaluator.leads)
  await simulation.run(10_000, () => false)
  t.ok(store.changes.length > length, 'it leads again once the other is gone')
})

t.test('a state that somebody else has changed is read again, never overwritten', async (t) => {
  const simulation = await simulate(20, 0, () => ({}), [ERRORS])
  await simulation.run(4000, (s) => s.phase === 'progressing')
  const record = simulation.store.records.get('svc')!
  const state: RolloutState = {
    ...record.state,
    phase: 'rolled-back',
    rolledBackAt: 1,
    rolledBackReason: 'operator',
    revision: 99,
    weightBp: 0,
  } as RolloutState
  simulation.store.records.set('svc', { ...record, state })
  // Seen with the next write, which comes with the first cohort after the warm-up.
  await simulation.run(6000, () => false)
  t.match(simulation.errors, [{ message: 'the stored rollout was changed by another process' }])
  t.match(simulation.state, { phase: 'rolled-back', revision: 99 })
  t.equal(simulation.weightBp, 0)
})

t.test('a clean end stores what is folded and gives the lease back', async (t) => {
  const simulation = await simulate(21, 0, () => ({}), [ERRORS])
  simulation.evaluator.start()
  await simulation.run(5100, () => false)
  const { length } = simulation.store.changes
  await simulation.evaluator.stop()
  t.equal(simulation.store.changes.length, length + 1)
  t.ok(await simulation.store.acquireLease('next', 5000, simulation.clock.ms))
})

t.test(
  'the lease of a process that has ended is free before its time, and no other is',
  async (t) => {
    const simulation = await simulate(21, 0, () => ({}), [ERRORS])
    const { store, clock } = simulation
    await store.acquireLease('ended', 60_000, clock.ms)
    await releaseLeaseOf('somebody else', store, clock.ms)
    t.equal(await store.acquireLease('heir', 5000, clock.ms), null)
    await releaseLeaseOf('ended', store, clock.ms)
    t.match(await store.acquireLease('heir', 5000, clock.ms), { holder: 'heir', token: 2 })
  },
)

t.test('an end without a store is told and does not fail', async (t) => {
  const simulation = await simulate(22, 0, () => ({}), [ERRORS])
  await simulation.run(2000, () => false)
  simulation.store.away = true
  await simulation.evaluator.stop()
  t.match(simulation.errors, [{ message: 'the store is away' }, { message: 'the store is away' }])
})

t.test('a rollout that cannot go on as configured says so instead of beginning', async (t) => {
  const simulation = await simulate(23, 0, () => ({}), [ERRORS])
  const record = simulation.store.records.get('svc')
  t.equal(record, undefined, 'nothing is stored before the first look')
  await simulation.evaluator.look()
  const stored = simulation.store.records.get('svc')!
  const promoted = {
    ...stored.state,
    phase: 'promoted',
    promotedAt: 1,
    weightBp: 10_000,
    canaryVersion: '1.9',
  } as RolloutState
  simulation.store.records.set('svc', { ...stored, state: promoted })
  await t.rejects(simulation.restart(), {
    message: 'services.svc: 1.9 serves 100 %: make it the baseline first',
  })
})

t.test('a lease that runs out while a command is carried out is respected', async (t) => {
  const simulation = await simulate(24, 0, () => ({}), [ERRORS])
  await simulation.run(4000, () => false)
  const { store, clock } = simulation
  const { length } = store.changes
  const paused = simulation.evaluator.command('svc', command('pause'), null)
  await Promise.resolve()
  clock.ms += 6000
  t.match(await paused, { ok: false, code: 'SERIN_STORE_FAILED' })
  t.match(simulation.errors, [{ message: 'the lease to decide was lost to another process' }])
  t.equal(store.changes.length, length)
  t.equal(simulation.state.phase, 'progressing')
})

t.test('a rollback that waits for the store is not forgotten by a reload', async (t) => {
  const simulation = await simulate(25, 0, FAILING(8000), [ERRORS])
  await simulation.run(8000, () => false)
  simulation.store.fails = true
  t.ok(await simulation.run(6000, () => simulation.weightBp === 0))
  const other = quickService({ spec: { watchMs: 5000 }, analysis: { metrics: [ERRORS] } })
  await simulation.reload(other, 'hash-2')
  t.equal(simulation.weightBp, 0)
  simulation.store.fails = false
  await simulation.evaluator.look()
  t.match(simulation.state, { phase: 'rolled-back', configHash: 'hash-2' })
  t.match(simulation.store.log.at(-1), { action: 'rollback', actor: 'evaluator' })
})

t.test('a rollout in which nothing happens writes nothing', async (t) => {
  let isQuiet = false
  const options = {
    get rps() {
      return isQuiet ? 0 : 3000
    },
  }
  const simulation = await simulate(21, 0, () => ({}), [ERRORS], options)
  t.ok(await simulation.run(30_000, (s) => s.step === 1))
  isQuiet = true
  // Until the last cohort with requests is folded.
  await simulation.run(4000, () => false)
  const { length } = simulation.store.changes
  await simulation.run(20_000, () => false)
  t.equal(simulation.store.changes.length, length)
  isQuiet = false
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'), 'and goes on when it does')
})

t.test(
  'many rollouts are evaluated in slices, between which requests get their turn',
  async (t) => {
    const simulation = await simulate(22, 0, () => ({}), [ERRORS])
    for (let n = 0; n < 50; n++) {
      const service = { ...quickService(), name: `other-${n}` }
      const book = simulation.buildBook(service)
      await simulation.evaluator.add({ plan: buildPlan(service, 'hash')!, book })
      // Half a millisecond's work for each.
      book.fade = () => {
        simulation.clock.ms += 0.5
      }
    }
    // All are taken up, and a cohort of each is to turn.
    await simulation.evaluator.look()
    simulation.clock.ms += 60_000
    let turns = 0
    let isLooking = true
    const count = () => {
      turns++
      if (isLooking) setImmediate(count)
    }
    setImmediate(count)
    await simulation.evaluator.look()
    isLooking = false
    t.ok(turns >= 15, `${turns} turns`)
  },
)

t.test(
  'who decides on a rollout that is gone from the store begins it, and what it decides is stored',
  async (t) => {
    const simulation = await simulate(16, 0, () => ({}), [ERRORS])
    t.ok(await simulation.run(30_000, (s) => s.step === 1))
    simulation.store.records.delete('svc')
    await simulation.run(1500, () => false)
    t.match(simulation.errors, [{ message: /changed by another process/ }], 'it is told once')
    t.ok(await simulation.run(30_000, (s) => s.step === 1))
    t.same(simulation.store.records.get('svc')!.state, simulation.state)
    t.match(await simulation.evaluator.command('svc', command('abort'), null), { ok: true })
    t.equal(simulation.store.records.get('svc')!.state.weightBp, 0)
    t.equal(simulation.errors.length, 1)
  },
)

t.test('a start whose answer was lost has its warm-up, and is told of', async (t) => {
  const simulation = await simulate(19, 0, () => ({}), [ERRORS], {
    service: quickService({ analysis: { metrics: [ERRORS], warmUpMs: 10_000 } }),
    reachable: (variant, ms) => variant === 'baseline' || ms >= 15_000,
  })
  const { store } = simulation
  const { commit } = store
  store.commit = async (change) => {
    const result = await commit(change)
    if (change.decision?.action !== 'start') return result
    store.commit = commit
    throw new StoreAwayError('no answer')
  }
  t.ok(await simulation.run(20_000, (s) => s.weightBp > 0))
  t.strictSame(simulation.told, store.log, 'and is told of as all decisions are')
  const drawn = () => store.records.get('svc')!.evidence!.ratio.starts[0] ?? []
  await simulation.run(8000, () => false)
  t.same(drawn(), [], 'a canary that is cold is not judged')
  await simulation.run(8000, () => false)
  t.ok(drawn().length > 0)
})

t.test(
  'nor does an attempt that has just begun, however long ago the last request came',
  async (t) => {
    let rps = 40
    const simulation = await simulate(21, 0, () => ({}), [ERRORS], {
      service: quickService({ analysis: { metrics: [ERRORS] } }),
      get rps() {
        return rps
      },
    })
    const { evaluator, store } = simulation
    await simulation.run(5000, () => false)
    await evaluator.command('svc', command('abort'), null)
    rps = 0
    await simulation.run(300_000, () => false)
    await evaluator.command('svc', command('retry', { force: true }), null)
    const { length } = store.log
    const isIdle = ({ reason }: { readonly reason: string }) => reason === 'no-traffic'
    await simulation.run(59_000, () => false)
    t.same(store.log.slice(length).filter(isIdle), [])
    await simulation.run(3000, () => false)
    t.match(store.log.slice(length).filter(isIdle), [{ action: 'hold' }])
  },
)

t.test('a process that has just begun does not say that there is no traffic', async (t) => {
  const service = quickService({
    spec: { steps: weightSteps([20, 100], 1e9) },
    analysis: { metrics: [ERRORS] },
  })
  let rps = 40
  const simulation = await simulate(20, 0, () => ({}), [ERRORS], {
    service,
    get rps() {
      return rps
    },
  })
  await simulation.run(90_000, () => false)
  const { length } = simulation.store.log
  await simulation.restart()
  await simulation.run(3000, () => false)
  t.equal(simulation.store.log.length, length)
  rps = 0
  await simulation.restart()
  await simulation.run(59_000, () => false)
  t.equal(simulation.store.log.length, length)
  await simulation.run(2000, () => false)
  t.match(simulation.store.log.slice(length), [{ action: 'hold', reason: 'no-traffic' }])
})
