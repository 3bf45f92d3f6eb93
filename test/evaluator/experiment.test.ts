import t from 'tap'
import { StoreAwayError } from '../../src/store/store-error.ts'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const BY = { actor: 'ops', note: null } as const

for (const keyed of [false, true]) {
  t.test(
    `each challenger is judged on its own, ${keyed ? 'by key' : 'without keys'}`,
    async (t) => {
      const world = await ExperimentWorld.begin(threeWay([ERRORS], keyed))
      await world.run(40, (variant, random) => ({
        outcome:
          random() < { b: 0.01, c: 0.3 }[variant]! || (variant === 'baseline' && random() < 0.1)
            ? 'failed'
            : 'ok',
      }))
      t.same(world.verdicts(), { b: 'better', c: 'worse' })
      t.equal(world.winner, null, 'nothing is moved by the evidence')
      const told = world.store.log.map(({ action, reason, from, to }) => [
        ...[action, reason, to.weights['c']],
        from.weights['c'],
      ])
      t.same(told[0], ['verdict', 'errors', 25, 25])
      t.equal(told.length, 2, 'c is worse, b is better')
      const [b] = world.view.comparisons
      t.match(b, { expectedShare: 1 / 3 })
      const [errors] = b!.metrics
      t.ok(errors!.report.ratio!.upper < 1)
      t.ok(Math.abs(b!.units.challenger / (b!.units.challenger + b!.units.baseline) - 1 / 3) < 0.02)
      t.same(world.errors, [])
    },
  )
}

t.test('a guard says which way a challenger differs from the baseline', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  const leaves: Record<string, number> = { baseline: 0.1, b: 0.3, c: 0.02 }
  await world.run(40, (variant, random) => ({
    outcome: random() < leaves[variant]! ? 'client_closed' : 'ok',
  }))
  const differs = world.view.comparisons.map(
    ({ metrics }) => metrics.find(({ report }) => report.name === 'no-answer')!.differs,
  )
  t.same(differs, ['more', 'fewer'])
})

t.test('labels reach all comparisons of their request; latency is compared too', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([RMSE, LATENCY]))
  await world.run(60, (variant, random) => ({
    error: 3 * Math.sqrt(3) * random() * (variant === 'b' ? 0.5 : 1),
    ms: (20 + 20 * random()) * (variant === 'c' ? 2 : 1),
  }))
  const words = world.view.comparisons.map((c) =>
    Object.fromEntries(c.metrics.map((m) => [m.report.name, m.verdict])),
  )
  t.match(words[0], {
    rmse: 'better',
    'rmse/label-missing': null,
    'no-answer': null,
    'client-error': null,
  })
  t.match(words[1], { latency: 'worse' })
  t.ok(world.results.joined > 50_000)
  t.equal(world.results.late, 0)
})

t.test(
  'a winner has all of the traffic, over restart and reload, until it is undone',
  async (t) => {
    const configured = threeWay([ERRORS])
    const world = await ExperimentWorld.begin(configured)
    await world.run(10, () => ({}))
    const promote = {
      verb: 'promote',
      full: false,
      variant: 'b',
      actor: 'ana',
      note: 'it sells',
    } as const
    const done = await world.evaluator.command('svc', promote, world.view.state.revision)
    t.match(done, { ok: true, decision: { action: 'promote', actor: 'ana', note: 'it sells' } })
    t.equal(world.winner, 'b')
    t.same(world.store.log.at(-1)!.to, {
      phase: 'promoted',
      step: 0,
      weights: { baseline: 0, b: 100, c: 0 },
    })
    const units = world.view.comparisons[0]!.units
    await world.run(5, () => ({}))
    t.match(await world.evaluator.command('svc', { ...promote }, null), {
      ok: true,
      decision: null,
    })
    await world.restart()
    t.equal(world.winner, 'b')
    t.equal(world.view.winner, 'b')
    await world.run(2, () => ({}))
    await world.reload({ ...configured, notify: [] })
    t.equal(world.winner, 'b')
    t.equal(world.view.lastDecision!.note, 'it sells')
    t.match(await world.evaluator.command('svc', { verb: 'undo', ...BY }, 99), {
      code: 'SERIN_STALE_REVISION',
    })
    t.match(await world.evaluator.command('svc', { verb: 'undo', ...BY }, null), {
      decision: {
        action: 'undo',
        from: { weights: { b: 100 } },
        to: { weights: { baseline: 50 } },
      },
    })
    t.equal(world.winner, null)
    await world.run(10, () => ({}))
    t.ok(world.view.comparisons[0]!.units.baseline > units.baseline, 'the evidence goes on')
    t.same(world.errors, [])
  },
)

t.test('evidence survives a restart; other versions begin it anew', async (t) => {
  const configured = threeWay([ERRORS], true)
  const world = await ExperimentWorld.begin(configured)
  await world.run(20, () => ({}))
  const before = world.view.comparisons[1]!.units
  await world.restart()
  t.ok(world.view.comparisons[1]!.units.baseline >= before.baseline - 2000)
  t.ok(world.view.comparisons[1]!.units.baseline > 5_000)
  const [baseline, b, c] = configured.variants
  await world.run(1, () => ({}))
  await world.reload({ ...configured, variants: [baseline!, b!, { ...c!, version: 'D' }] })
  t.equal(world.view.id, '1.4 vs B vs D#2')
  t.same(world.view.comparisons[0]!.units, { baseline: 0, challenger: 0 })
  await world.evaluator.reconfigureExperiments([], 'configuration')
  t.equal(world.evaluator.experiment('svc'), null)
  await world.evaluator.stop()
  t.same(world.errors, [])
})

t.test('what an experiment had come to outlives it, in the log', async (t) => {
  const configured = threeWay([ERRORS, LATENCY])
  const failing: Parameters<ExperimentWorld['run']>[1] = (variant, random) => ({
    outcome: random() < (variant === 'c' ? 0.3 : 0.05) ? 'failed' : 'ok',
  })
  const [baseline, b, c] = configured.variants
  const other = { ...configured, variants: [baseline!, b!, { ...c!, version: 'D' }] }
  const told = {
    action: 'start',
    actor: 'configuration',
    rollout: '1.4 vs B vs D#2',
    summary: /^1\.4 vs B vs C#1 has ended: b .*, c worse; 1\.4 vs B vs D#2 begins$/,
    metrics: [],
    experiment: {
      id: '1.4 vs B vs C#1',
      comparisons: [
        { variant: 'b', metrics: [{ report: { name: 'errors', ratio: Object } }, {}] },
        { variant: 'c', verdict: 'worse', metrics: [{ verdict: 'worse' }, {}] },
      ],
    },
  }
  for (const how of ['a reload', 'a restart'] as const) {
    const world = await ExperimentWorld.begin(configured)
    await world.run(20, failing)
    const { comparisons } = world.view
    const { startedAt } = world.view.state
    if (how === 'a reload') await world.reload(other)
    else {
      world.service = other
      await world.restart()
      await world.run(1, failing)
    }
    const ends = () => world.store.log.filter(({ action }) => action === 'start')
    const [end] = ends()
    t.equal(ends().length, 1, how)
    t.match(end, { ...told, experiment: { ...told.experiment, startedAt } })
    const kept = end!.experiment!.comparisons
    t.same(
      kept.map((each) => each.units),
      comparisons.map((each) => each.units),
    )
    // Its next one has judged nothing: there is nothing to tell of its end.
    await world.reload(configured)
    t.equal(ends().length, 1)
    t.same(world.errors, [])
  }
})

t.test('a promotion and its undo tell how things stood', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  await world.run(10, () => ({}))
  await world.evaluator.command('svc', { verb: 'promote', full: false, variant: 'b', ...BY }, null)
  await world.evaluator.command('svc', { verb: 'undo', ...BY }, null)
  const [promoted, undone] = world.store.log.filter(({ actor }) => actor === BY.actor)
  for (const { experiment } of [promoted!, undone!]) {
    t.match(experiment, {
      id: '1.4 vs B vs C#1',
      comparisons: [{ variant: 'b' }, { variant: 'c' }],
    })
    t.ok(experiment!.comparisons[0]!.units.baseline > 1000)
    t.same(structuredClone(experiment), experiment, 'plain data')
  }
})

t.test('another split in the configuration ends a winner, and the log says so', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  await world.run(1, () => ({}))
  await world.evaluator.command('svc', { verb: 'promote', full: false, variant: 'c', ...BY }, null)
  await world.reload(threeWay([ERRORS], false, { b: 1000, c: 2000 }))
  t.equal(world.winner, null)
  t.match(world.store.log.at(-1), {
    action: 'undo',
    actor: 'configuration',
    from: { phase: 'promoted', weights: { c: 100 } },
    to: { phase: 'progressing', weights: { baseline: 70 } },
  })
})

t.test('what cannot be carried out is refused', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  const promote = { verb: 'promote', full: false, variant: 'b', ...BY } as const
  t.match(await world.evaluator.command('svc', promote, null), { detail: /holds the lease/ })
  await world.run(1, () => ({}))
  world.down.add('b')
  t.match(await world.evaluator.command('svc', promote, null), { detail: /can be reached/ })
  world.store.fails = true
  const full = { ...promote, full: true }
  t.match(await world.evaluator.command('svc', full, null), { code: 'SERIN_STORE_FAILED' })
  t.equal(world.winner, null)
  world.store.fails = false
  t.match(await world.evaluator.command('svc', full, null), { ok: true })
  t.equal(world.winner, 'b')
})

t.test(
  'a challenger with another name is another experiment, like one of another version',
  async (t) => {
    const configured = threeWay([ERRORS])
    const world = await ExperimentWorld.begin(configured)
    await world.run(10, () => ({}))
    const [baseline, b, c] = configured.variants
    const weightsBp = { d: 2500, c: 2500 }
    await world.reload({
      ...configured,
      variants: [baseline!, { ...b!, name: 'd' }, c!],
      split: { ...configured.split, weightsBp },
    })
    t.equal(world.view.id, '1.4 vs B vs C#2')
    t.match(world.store.log.at(-1), { action: 'start', summary: /^1\.4 vs B vs C#1 has ended: b / })
    await world.restart()
    t.equal(world.view.id, '1.4 vs B vs C#2')
    t.same(world.errors, [])
  },
)

t.test('challengers that exchange their names take nothing of each other', async (t) => {
  const configured = threeWay([ERRORS])
  const world = await ExperimentWorld.begin(configured)
  await world.run(20, (variant, random) => ({
    outcome: variant === 'c' && random() < 0.3 ? 'failed' : 'ok',
  }))
  t.match(world.verdicts(), { c: 'worse' })
  const [baseline, b, c] = configured.variants
  await world.reload({
    ...configured,
    variants: [baseline!, { ...b!, name: 'c' }, { ...c!, name: 'b' }],
  })
  await world.restart()
  t.not(world.verdicts()['c'], 'worse')
  t.same(world.errors, [])
})

t.test(
  'a promotion whose answer was lost is in force here too, where the store has it',
  async (t) => {
    const world = await ExperimentWorld.begin(threeWay([ERRORS]))
    await world.run(2, () => ({}))
    const { store } = world
    const { commit } = store
    const promote = () => {
      const order = { verb: 'promote', full: false, variant: 'b', ...BY } as const
      return world.evaluator.command('svc', order, null)
    }
    const losing = (arrives: boolean) => {
      store.commit = async (change) => {
        if (change.decision === undefined) return commit(change)
        store.commit = commit
        if (arrives) await commit(change)
        throw new StoreAwayError('no answer')
      }
    }
    losing(false)
    t.match(await promote(), { ok: false, code: 'SERIN_STORE_FAILED' })
    await world.run(1, () => ({}))
    t.same([world.winner, world.told], [null, []])
    losing(true)
    t.match(await promote(), { ok: false, code: 'SERIN_STORE_FAILED' })
    await world.run(1, () => ({}))
    t.equal(world.winner, 'b')
    t.strictSame(world.told, store.log)
    t.match(world.view, { winner: 'b', lastDecision: { action: 'promote' } })
    t.match(await promote(), { ok: true, decision: null })
  },
)

t.test('each verdict of a challenger is told once, over restarts and a promotion', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  const fails = { b: 0.1, c: 0.4, baseline: 0.1 } as Readonly<Record<string, number>>
  const fate: Fate = (variant, random) => ({
    outcome: random() < fails[variant]! ? 'failed' : 'ok',
  })
  await world.run(20, fate)
  const summaries = () => world.store.log.map((d) => [d.id, d.action, d.summary])
  const [first] = world.store.log
  t.match(first, {
    ...{ action: 'verdict', reason: 'errors', actor: 'evaluator', rollout: '1.4 vs B vs C#1' },
    to: { weights: { baseline: 50, b: 25, c: 25 } },
    metrics: [{ name: 'errors', verdict: 'failed' }],
  })
  t.match(
    first!.summary,
    /^c \(C\) is shown to be worse than the baseline by errors, [34]\d[.\d]* % against [\d.]+ %; it keeps its 25 %, since nothing moves/,
  )
  t.same(world.told, world.store.log, 'who is notified hears of it')
  await world.restart()
  await world.run(10, fate)
  const before = summaries().filter(([, , said]) => String(said).startsWith('c '))
  t.equal(before.length, 1)
  const promote = { verb: 'promote', full: false, variant: 'c', ...BY } as const
  t.match(await world.evaluator.command('svc', promote, null), { ok: true })
  t.match(await world.evaluator.command('svc', { verb: 'undo', ...BY }, null), { ok: true })
  await world.run(10, fate)
  t.equal(world.store.log.filter(({ summary }) => /^c .* worse/.test(summary)).length, 1)
  await world.reload(threeWay([ERRORS, LATENCY]))
  await world.run(20, fate)
  t.equal(
    world.store.log.filter(({ summary }) => /^c .* worse/.test(summary)).length,
    2,
    'another attempt tells anew',
  )
  t.same(world.errors, [])
})
