import t from 'tap'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import type { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import type { DecisionSeed } from '../../src/rollout/transition.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { nobodyAnswers, type Simulation } from '../fakes/simulation.ts'

const NEVER = () => false
const OURS = quickService({ analysis: { metrics: [ERRORS] } })
const DONE = { ok: true, decision: null }

/** A rollout in its second step, at 20 %. */
async function running(seed: number): Promise<Simulation> {
  const simulation = await simulate(seed, 0, () => ({}), [ERRORS])
  t.ok(await simulation.run(20_000, (s) => s.step === 1))
  await simulation.run(1000, NEVER)
  return simulation
}

function abort({ evaluator }: Simulation, ifMatch: number | null = null) {
  return evaluator.command('svc', command('abort', { note: 'complaints' }), ifMatch)
}

/** Another process has decided meanwhile: the store has this state. */
function decideElsewhere({ store }: Simulation, change: object): void {
  const record = store.records.get('svc')!
  const { revision } = record.state
  const state = { ...record.state, revision: revision + 10, ...change } as RolloutState
  store.records.set('svc', { ...record, state })
}

function naming(canary: string): Service {
  const variants = OURS.variants.map((v) => (v.name === 'canary' ? { ...v, version: canary } : v))
  return { ...OURS, variants }
}

const ABORTED = {
  action: 'rollback',
  reason: 'operator',
  actor: 'ops',
  note: 'complaints',
  summary: 'ops aborted the rollout of 2.0 at 20 %.',
  from: { phase: 'progressing', weights: { canary: 20 } },
  to: { phase: 'rolled-back', weights: { canary: 0 } },
}

for (const [how, breaks, passMs] of [
  ['takes no writes', 'fails', 0],
  ['has just gone', 'away', 0],
  ['is away for longer than the lease', 'away', 8000],
] as const) {
  t.test(`An abort holds here at once where the store ${how}, and is stored later.`, async (t) => {
    const simulation = await running(91)
    const { evaluator, store } = simulation
    t.equal(evaluator.unstoredOf('svc'), null)
    store[breaks] = true
    await simulation.run(passMs, NEVER)
    t.same([simulation.weightBp, simulation.state.phase], [2000, 'progressing'])
    const { length } = store.log
    t.same(await abort(simulation), DONE)
    t.same([simulation.weightBp, simulation.state.phase], [0, 'rolled-back'])
    t.equal(
      evaluator.unstoredOf('svc'),
      '2.0 gets nothing from this gateway since ops aborted it: that is stored, and other gateways hear of it, when the store is back',
    )
    t.same(await abort(simulation), DONE, 'it may be said again')
    for (const verb of ['resume', 'promote', 'retry'] as const) {
      t.match(await evaluator.command('svc', command(verb), null), { ok: false }, verb)
    }
    await simulation.run(60_000, NEVER)
    t.same([simulation.weightBp, simulation.state.phase], [0, 'rolled-back'])
    t.equal(store.log.length, length)

    store[breaks] = false
    await evaluator.look()
    t.equal(store.log.length, length + 1)
    t.match(store.log.at(-1), ABORTED)
    t.match(store.records.get('svc'), { state: { phase: 'rolled-back', weightBp: 0, attempt: 1 } })
    t.match(simulation.state, { rolledBackReason: 'operator' })
    t.equal(evaluator.unstoredOf('svc'), null)
    await simulation.run(5000, NEVER)
    t.equal(simulation.weightBp, 0)
    t.equal(store.log.length, length + 1, 'it is decided once')
  })
}

t.test('It is given for the revision that is known here.', async (t) => {
  const simulation = await running(92)
  const { revision } = simulation.state
  simulation.store.away = true
  t.match(await abort(simulation, revision - 1), {
    code: 'SERIN_STALE_REVISION',
    detail: `the rollout is at revision ${revision}, not ${revision - 1}: read it again`,
  })
  t.equal(simulation.weightBp, 2000)
  t.same(await abort(simulation, revision), DONE)
  t.equal(simulation.weightBp, 0)
  t.match(await abort(simulation, revision), { code: 'SERIN_STALE_REVISION' })
  t.same(await abort(simulation, simulation.state.revision), DONE)
})

t.test('A write that had no answer and was stored all the same is decided once.', async (t) => {
  const simulation = await running(93)
  const { store } = simulation
  const { commit } = store
  store.commit = async (change) => {
    await commit(change)
    throw new Error('no answer')
  }
  t.same(await abort(simulation), DONE)
  store.commit = commit
  const { length } = store.log
  t.match(store.log.at(-1), ABORTED)
  await simulation.run(3000, NEVER)
  t.equal(store.log.length, length)
  t.equal(simulation.evaluator.unstoredOf('svc'), null)
  t.match(simulation.state, { phase: 'rolled-back', weightBp: 0 })
})

t.test('Another state of the same attempt is rolled back, too.', async (t) => {
  const simulation = await running(94)
  const { evaluator, store } = simulation
  store.away = true
  await abort(simulation)
  decideElsewhere(simulation, { step: 2, weightBp: 5000 })
  store.away = false
  await evaluator.look()
  t.match(store.log.at(-1), { ...ABORTED, from: { step: 2, weights: { canary: 50 } } })
  t.equal(simulation.weightBp, 0)
})

for (const [what, change, weightBp] of [
  ['another attempt goes on', { attempt: 2, weightBp: 500, step: 0 }, 500],
  ['it is promoted for good', { phase: 'promoted', promotedAt: 1, weightBp: 10_000 }, 10_000],
  ['its canary has nothing by then', { phase: 'idle', idleReason: 'manual-start', weightBp: 0 }, 0],
] as const) {
  t.test(`It is void where ${what}.`, async (t) => {
    const simulation = await running(95)
    const { evaluator, store } = simulation
    store.away = true
    await abort(simulation)
    decideElsewhere(simulation, change)
    const { length } = store.log
    store.away = false
    await evaluator.look()
    t.equal(simulation.weightBp, weightBp)
    t.equal(evaluator.unstoredOf('svc'), null)
    t.notOk(store.log.slice(length).some(({ action }) => action === 'rollback'))
  })
}

t.test('A promotion, and a rollout that waits, are aborted as well.', async (t) => {
  for (const isPromoted of [true, false]) {
    const service = quickService({
      spec: isPromoted ? {} : { start: 'manual' },
      analysis: { metrics: [ERRORS] },
    })
    const simulation = await simulate(96, 0, () => ({}), [ERRORS], { service })
    const { evaluator, store } = simulation
    const phase = isPromoted ? 'promoted' : 'idle'
    t.ok(await simulation.run(60_000, (s) => s.phase === phase), phase)
    store.away = true
    t.same(await abort(simulation), DONE)
    decideElsewhere(simulation, {})
    store.away = false
    await evaluator.look()
    t.match(store.log.at(-1), { action: 'rollback', from: { phase }, to: { phase: 'rolled-back' } })
  }
})

t.test('A file that was loaded meanwhile, before it or after it, is taken with it.', async (t) => {
  const steps = quickService({
    analysis: { metrics: [ERRORS] },
    spec: { steps: weightSteps([50, 100], 50) },
  })
  const metrics = quickService({ analysis: { metrics: [ERRORS, RMSE] } })
  for (const file of [steps, metrics]) {
    for (const isBefore of [true, false]) {
      for (const isMoved of [true, false]) {
        const simulation = await running(97)
        const { evaluator, store } = simulation
        store.away = true
        if (isBefore) await simulation.reload(file, 'hash-2')
        t.same(await abort(simulation), DONE)
        if (!isBefore) await simulation.reload(file, 'hash-2')
        t.match(evaluator.unstoredOf('svc'), /since ops aborted it/)
        if (isMoved) decideElsewhere(simulation, { step: 2, weightBp: 5000 })
        store.away = false
        await simulation.run(5000, NEVER)
        t.match(simulation.state, { phase: 'rolled-back', attempt: 1, configHash: 'hash-2' })
        t.match(store.log.at(-1), { action: 'rollback', actor: 'ops' })
        t.equal(simulation.weightBp, 0)
      }
    }
  }
})

t.test('A process that begins can be told so before it knows who decides.', async (t) => {
  const simulation = await running(104)
  const { store } = simulation
  t.ok(await simulation.run(20_000, (s) => s.step === 2))
  await simulation.restart()
  t.same(await abort(simulation), DONE)
  t.equal(simulation.weightBp, 0)
  const fewer = { steps: weightSteps([100], 50) }
  await simulation.reload(quickService({ analysis: { metrics: [ERRORS] }, spec: fewer }), 'hash-2')
  await simulation.run(3000, NEVER)
  t.match(simulation.state, { phase: 'rolled-back', step: 0, configHash: 'hash-2' })
  t.match(store.log.at(-1), { action: 'rollback', actor: 'ops' })
  t.same(simulation.errors, [])
})

t.test(
  'A rollout that the store does not have has not begun: it gets nothing anyhow.',
  async (t) => {
    const simulation = await running(98)
    const { store } = simulation
    store.fails = true
    await simulation.reload(naming('3.0'), 'hash-2')
    t.match(simulation.state, { canaryVersion: '3.0', phase: 'idle' })
    t.match(await abort(simulation), {
      code: 'SERIN_STORE_FAILED',
      detail:
        /^the store does not have the rollout of 3\.0 yet: it gets nothing before that begins/,
    })
    t.equal(simulation.weightBp, 0)
    store.fails = false
    await simulation.run(1000, NEVER)
    t.match(await abort(simulation), { ok: true, decision: { action: 'rollback' } })
  },
)

t.test('Where the file cannot go on from the store, that is why it is refused.', async (t) => {
  const simulation = await running(99)
  simulation.store.away = true
  await simulation.reload(naming('3.0'), 'hash-2')
  t.match(await abort(simulation), {
    code: 'SERIN_REFUSED',
    detail: /whether 3\.0 beside 1\.4 may begin is known when the store can be asked/,
  })
})

t.test('A rollback of the breaker stays its own.', async (t) => {
  const simulation = await simulate(
    100,
    0,
    (random, variant) => ({
      outcome: variant === 'canary' && random() < 0.7 ? ('failed' as const) : ('ok' as const),
    }),
    [ERRORS],
  )
  const { evaluator, store } = simulation
  t.ok(await simulation.run(20_000, (s) => s.phase === 'progressing'))
  store.fails = true
  t.ok(await simulation.run(20_000, () => simulation.weightBp === 0))
  const sentence = evaluator.unstoredOf('svc')
  t.match(sentence, /^2\.0 gets nothing from this gateway since it was rolled back \(breaker\): /)
  t.same(await abort(simulation), DONE)
  t.equal(evaluator.unstoredOf('svc'), sentence)
  store.fails = false
  await evaluator.look()
  t.match(store.log.at(-1), { action: 'rollback', actor: 'evaluator', reason: 'breaker' })
})

t.test('What another process of the gateway could not store holds here at once.', async (t) => {
  const simulation = await running(101)
  const { evaluator, store } = simulation
  const order = command('abort', { note: 'complaints' })
  await evaluator.abortHere('nobody', order)
  await evaluator.abortHere('svc', order)
  t.equal(simulation.weightBp, 0)
  t.match(evaluator.unstoredOf('svc'), /since ops aborted it/)
  t.equal(evaluator.unstoredOf('nobody'), null)
  await evaluator.look()
  t.match(store.log.at(-1), ABORTED, 'and is stored by who can')
})

/** A process that begins while the store is away, with what the disk remembers: the last that `apply` was given. */
async function startAway({ store, clock }: Simulation, last: Applied, book: ServiceBook) {
  const applied: Applied[] = []
  const evaluator = new Evaluator({
    ...{ store, clock, holder: `next ${clock.ms}`, fetchProvider: nobodyAnswers },
    reachability: () => ({ ready: true, downForMs: 0 }),
    confirm: () => 'given',
    apply: (state, unstored) => applied.push({ state, unstored }),
    applyWinner: () => {},
    onDecision: () => {},
    onError: () => {},
  })
  const rollout = { plan: buildPlan(OURS, 'hash')!, book }
  evaluator.remember(rollout, last.state, last.unstored)
  await evaluator.look()
  const join = async () => {
    await evaluator.add(rollout)
    await evaluator.look()
  }
  return { evaluator, applied, join }
}

type Applied = { readonly state: RolloutState; readonly unstored: DecisionSeed | null }

t.test('What is remembered of a store that was never reached can be aborted.', async (t) => {
  const simulation = await running(102)
  const { store } = simulation
  const state = simulation.state
  await simulation.evaluator.stop()
  store.away = true
  const book = simulation.buildBook(OURS)
  const first = await startAway(simulation, { state, unstored: null }, book)
  const { revision } = first.evaluator.view('svc')!.state
  const order = command('abort', { note: 'complaints' })
  t.same(await first.evaluator.command('svc', order, revision), DONE)
  t.match(first.applied.at(-1), { unstored: { actor: 'ops', note: 'complaints' } })

  // It is killed, and so is the next one.
  const second = await startAway(simulation, first.applied.at(-1)!, book)
  const { evaluator, applied, join } = await startAway(simulation, second.applied.at(-1)!, book)
  t.match(evaluator.unstoredOf('svc'), /since ops aborted it/)
  const { length } = store.log
  store.away = false
  await join()
  t.same([...new Set(applied.map((each) => each.state.weightBp))], [0], 'it never comes back')
  t.equal(store.log.length, length + 1)
  t.match(store.log.at(-1), ABORTED)
  t.equal(applied.at(-1)!.unstored, null)
  t.equal(evaluator.unstoredOf('svc'), null)
})

t.test('What is remembered and was stored by then is not decided again.', async (t) => {
  const simulation = await running(103)
  const { store } = simulation
  await abort(simulation)
  const { state, ...decided } = { state: simulation.state, ...store.log.at(-1)! }
  await simulation.evaluator.stop()
  const { length } = store.log
  store.away = true
  const last = { state, unstored: { ...decided, reason: 'operator' } }
  const { join } = await startAway(simulation, last, simulation.buildBook(OURS))
  store.away = false
  await join()
  t.equal(store.log.length, length)
  t.equal(store.records.get('svc')!.state.revision, state.revision)
})
