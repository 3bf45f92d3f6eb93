import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { StepShare, StepTimesShare } from '../../src/domain/replica.ts'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { rolloutId } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { command as order } from '../fakes/rollout.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { Processes, SERVICE, type Process } from '../fakes/processes.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { samplePrediction } from '../store/samples.ts'

/** As many requests for each variant; those of the canary take so long, and every n-th of them fails. */
function serveCanary(
  { book }: Process,
  each: number,
  { ms = 5, firstMs = 5, failsEvery = Infinity, code = null as ErrorCode | null } = {},
) {
  for (let n = 1; n <= each; n++) {
    for (const variant of ['baseline', 'canary']) {
      const none = { suppressed: false, keyMissing: false, overrideRefused: false }
      const ticket = book.begin({ variant, reason: 'random', unit: null, ...none }, 'r', 0)
      const isCanary = variant === 'canary'
      const fails = isCanary && n % failsEvery === 0
      if (book.timesFirstBytes) book.firstByte(ticket, isCanary ? firstMs : 5)
      const [outcome, status] = fails ? (['failed', 500] as const) : (['ok', 200] as const)
      book.end(ticket, outcome, status, 1, isCanary ? ms : 5, fails ? code : null)
    }
  }
}

function serve({ book }: Process, requests: number, failing: 'canary' | 'nothing' = 'nothing') {
  for (let n = 0; n < requests; n++) {
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const variant = n % 2 === 0 ? 'canary' : 'baseline'
    const ticket = book.begin({ variant, reason: 'random', unit: null, ...none }, 'r')
    book.end(ticket, failing === variant ? 'failed' : 'ok', 200, 5)
  }
}

function judged({ store }: Processes): number {
  const { evidence } = store.records.get('svc')!
  return (evidence!.ratio.starts[0] ?? []).reduce((sum, { total }) => sum + total, 0)
}

t.test('requests of who follows are evidence, and who stops hands over what it has', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(4000)
  t.match(leader.evaluator.replicas, { others: 1, differing: [], lostShares: 0 })
  t.equal(follower.evaluator.replicas, null)
  t.same(follower.evaluator.deciding('svc'), { lead: 'elsewhere', holder: 'p0', differs: false })
  t.equal(follower.evaluator.deciding('other'), null, 'nothing is decided there')
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
  t.equal(leader.evaluator.replicasOf('other'), null, 'it has no rollout')
  t.equal(follower.evaluator.replicasOf('svc'), null, 'only who decides knows')
  const before = judged(world)
  serve(leader, 10)
  serve(follower, 20)
  await world.run(5000)
  t.equal(judged(world), before + 30)
  serve(follower, 40)
  await follower.evaluator.stop()
  await world.run(5000, [leader])
  t.equal(judged(world), before + 70)
  t.match(leader.evaluator.replicas, { others: 0, lostShares: 0 })
  t.same(leader.seen, ['1 ', '0 '])
  serve(leader, 10)
  await world.run(5000, [leader])
  t.equal(judged(world), before + 80, 'alone it goes on as before')
  t.same(await world.store.readOpenings('svc'), [], 'and nothing is left of what was shared')
  t.same(world.errors, [])
})

t.test('one that falls silent is waited for as long as it may be there, and counted', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(4000)
  const before = judged(world)
  serve(leader, 10)
  serve(follower, 20)
  await world.run(4000, [leader])
  t.equal(judged(world), before, 'its share may still come')
  await world.run(4000, [leader])
  t.equal(judged(world), before + 10)
  const { others, lostShares } = leader.evaluator.replicas!
  t.equal(others, 0)
  t.ok(lostShares >= 1, `${lostShares} shares are missed`)
  // It was only asleep: what comes too late is not folded.
  await world.run(4000)
  t.equal(judged(world), before + 10)
  serve(follower, 20)
  await world.run(5000)
  t.equal(judged(world), before + 30, 'and it takes part again')
  t.same(world.errors, [])
})

t.test('one with another configuration serves, is seen, and is no evidence', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const other = await world.start({ ...SERVICE, failureStatuses: [503] })
  await world.run(4000)
  const before = judged(world)
  serve(leader, 10)
  serve(other, 20)
  await world.run(5000)
  t.equal(judged(world), before + 10)
  t.same(leader.evaluator.replicas!.differing, [{ replica: 'p1', services: ['svc'] }])
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
  t.equal(other.weightBp, leader.weightBp)
  t.same(world.errors, [])
})

const ANOTHER: Readonly<Record<string, Service>> = {
  'canary version': {
    ...SERVICE,
    variants: SERVICE.variants.map((v) => (v.name === 'canary' ? { ...v, version: '9.9' } : v)),
  },
  key: {
    ...SERVICE,
    split: { ...SERVICE.split, key: { from: 'header', name: 'x-user-id' } },
  },
  'set of metrics': quickService({
    spec: { steps: weightSteps([50, 100], 1e6) },
    analysis: { metrics: [ERRORS, RMSE] },
  }),
  ladder: quickService({
    spec: { steps: weightSteps([20, 100], 1e6) },
    analysis: { metrics: [ERRORS] },
  }),
}

for (const [what, service] of Object.entries(ANOTHER)) {
  t.test(`one with another ${what} serves the baseline alone, and both say so`, async (t) => {
    const world = new Processes()
    const leader = await world.start()
    await world.run(2000)
    const other = await world.start(service)
    await world.run(3000)
    t.same(leader.evaluator.replicas!.differing, [{ replica: 'p1', services: ['svc'] }])
    t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
    t.equal(leader.seen.at(-1), '1 svc', 'the log is told')
    t.same([leader.weightBp, other.weightBp], [5000, 0])
    const known = { lead: 'elsewhere', holder: 'p0' }
    t.same(other.evaluator.deciding('svc'), { ...known, differs: true })
    t.same(leader.evaluator.deciding('svc'), { lead: 'here', holder: null, differs: false })
    const before = judged(world)
    serve(other, 20)
    serve(leader, 10)
    await world.run(3000)
    t.equal(judged(world), before + 10, 'it is no evidence')
    const plan = buildPlan(service, 'hash-2')!
    await leader.evaluator.reconfigure([{ plan, book: leader.book }], 'configuration')
    await world.run(3000)
    t.same(leader.evaluator.replicasOf('svc'), { contributing: 2, differing: [] })
    t.same(other.evaluator.deciding('svc'), { ...known, differs: false })
    t.equal(other.weightBp, leader.weightBp)
    t.same(world.errors, [])
  })
}

const named = (baseline: string, canary: string): Service => ({
  ...SERVICE,
  variants: SERVICE.variants.map((v) => ({
    ...v,
    version: v.name === 'baseline' ? baseline : canary,
  })),
})

t.test('one with the file of the rollout before serves on what that promoted', async (t) => {
  const world = new Processes()
  const leader = await world.start(named('2.0', '3.0'))
  await world.run(2000)
  const behind = await world.start(named('1.4', '2.0'))
  await world.run(2000)
  t.same([leader.weightBp, behind.weightBp], [5000, 10_000], 'nobody is led back to 1.4')
  t.same(leader.evaluator.replicasOf('svc'), { contributing: 1, differing: ['p1'] })
  t.equal(world.store.records.get('svc')!.state.canaryVersion, '3.0', 'and nothing is decided')
  await leader.evaluator.command('svc', order('promote', { full: true }), null)
  await world.run(2000)
  t.equal(behind.weightBp, 10_000, 'nor where 3.0 is promoted meanwhile')
  t.match(behind.evaluator.untakenOf('svc'), /: 2\.0 alone is served here, and nothing is decided/)
  t.same(world.errors, [])
})

t.test('a command that comes with the start waits until it is known who decides', async (t) => {
  const world = new Processes()
  const { evaluator } = await world.start()
  evaluator.start()
  t.match(await evaluator.command('svc', order('pause'), null), { ok: true })
  await evaluator.stop()
  t.same(world.errors, [])
})

t.test('a 4xx that a follower passed on is evidence of who decides', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(4000)
  for (let n = 0; n < 200; n++) {
    for (const variant of ['baseline', 'canary']) {
      const none = { suppressed: false, keyMissing: false, overrideRefused: false }
      const ticket = follower.book.begin({ variant, reason: 'random', unit: null, ...none }, 'r')
      follower.book.end(ticket, 'ok', variant === 'canary' && n % 5 === 0 ? 404 : 200, 5)
    }
  }
  await world.run(5000)
  const { hypotheses } = world.store.records.get('svc')!.evidence!
  t.match(hypotheses['client-error'], { trials: [200, 200], events: [0, 40] })
  t.match(leader.evaluator.view('svc')!.state, {
    ...{ phase: 'paused', pausedMetric: 'client-error' },
  })
  t.match(world.store.log.at(-1)!.summary, / 40 × status 404\./)
  t.same(world.errors, [])
})

t.test('the breaker of who follows gives its canary nothing, and decides for all', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(2000)
  serve(leader, 200)
  serve(follower, 200, 'canary')
  world.clock.ms += 250
  await follower.evaluator.look()
  t.same([leader.weightBp, follower.weightBp], [5000, 0], 'at once, and here alone')
  t.equal(
    follower.evaluator.unstoredOf('svc'),
    '2.0 gets nothing from this gateway since it was rolled back (breaker): that is stored, and other gateways hear of it, when the gateway that decides has heard of it, or another one decides in its place',
    'the store is there',
  )
  await world.run(1000)
  t.same([leader.weightBp, follower.weightBp], [0, 0])
  const decision = world.store.log.at(-1)!
  t.match(decision, { action: 'rollback', reason: 'breaker', actor: 'breaker@p1' })
  t.match(decision.summary, /100/)
  t.same(world.errors, [])
})

t.test('a breaker that tripped while the store was away is decided when it is back', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(2000)
  world.store.away = true
  serve(follower, 200, 'canary')
  await world.run(1000)
  t.same([leader.weightBp, follower.weightBp], [5000, 0])
  t.match(follower.evaluator.unstoredOf('svc'), / hear of it, when the store is back$/)
  world.store.away = false
  await world.run(2000)
  t.same([leader.weightBp, follower.weightBp], [0, 0])
  t.match(world.store.log.at(-1), { action: 'rollback', actor: 'breaker@p1' })
})

for (const awayMs of [0, 8000]) {
  t.test(`who follows aborts by itself, ${awayMs} ms after the store went`, async (t) => {
    const world = new Processes()
    const leader = await world.start()
    await world.run(2000)
    const follower = await world.start()
    await world.run(2000)
    world.store.away = true
    await world.run(awayMs)
    const abort = { verb: 'abort', actor: 'ops', note: 'complaints' } as const
    const done = await follower.evaluator.command('svc', abort, null)
    t.same(done, { ok: true, decision: null })
    t.same([leader.weightBp, follower.weightBp], [5000, 0], 'at once, and here alone')
    await world.run(1000)
    t.same([leader.weightBp, follower.weightBp], [5000, 0])
    world.store.away = false
    await world.run(2000)
    t.same([leader.weightBp, follower.weightBp], [0, 0])
    const { summary } = world.store.log.at(-1)!
    t.match(world.store.log.at(-1), { action: 'rollback', reason: 'operator', actor: 'ops' })
    t.equal(world.store.log.at(-1)!.note, 'complaints')
    t.equal(summary, 'ops aborted the rollout of 2.0 at 50 %.')
    t.equal(follower.evaluator.unstoredOf('svc'), null)
    t.equal(world.store.log.filter(({ action }) => action === 'rollback').length, 1)
  })
}

const ABSOLUTE = { maxChange: null, min: null } as const

t.test('absolute limits count the requests of all processes', async (t) => {
  const steps = weightSteps([50, 60, 100], 1e6)
  const errors = { ...ERRORS, ...ABSOLUTE, max: 0.2 }
  const latency = { ...errors, kind: 'latency', name: 'p90', quantile: 0.9, max: 100 } as const
  const start = async (metrics: readonly MetricSpec[], intervalMs = 1000) => {
    const world = new Processes()
    const of = quickService({ spec: { steps }, analysis: { metrics, intervalMs } })
    const leader = await world.start(of)
    await world.run(2000)
    const follower = await world.start(of)
    await world.run(4000)
    return { world, leader, follower }
  }

  await t.test('failures: too few on each for themselves', async (t) => {
    const { world, leader, follower } = await start([errors])
    for (const each of world.all) serveCanary(each, 90, { failsEvery: 3 })
    await world.run(2000)
    t.match(limitOf(leader), { canary: { value: 1 / 3, n: 180 }, limit: { tooFew: false } })
    await follower.evaluator.stop()
    await world.run(8000, [leader])
    t.match(world.store.log.at(-1), { action: 'rollback', actor: 'evaluator' })
    const { metrics, summary } = world.store.log.at(-1)!
    t.match(metrics, [{ canary: { n: 180 } }], 'also of one that is gone')
    t.match(summary, /The canary's failures in this attempt, judged or not: 60 × status 500\./)
    t.same(world.errors, [])
  })

  await t.test('latencies', async (t) => {
    const { world, leader } = await start([latency])
    for (const each of world.all) serveCanary(each, 30, { ms: 200 })
    await world.run(8000)
    t.equal(leader.weightBp, 0)
    t.match(world.store.log.at(-1)!.metrics, [{ canary: { n: 60 } }])
    t.same(world.errors, [])
  })

  await t.test('latencies until the first byte', async (t) => {
    const first = { ...latency, name: 'first', until: 'first-byte' } as const
    const { world, leader, follower } = await start([first])
    const { report } = world.store
    // A version that knows no other latency than that until the last byte, then one that does.
    const withoutIt = <T extends object>(times: T & StepTimesShare) => {
      const { firstBytes: _, ...rest } = times
      return rest
    }
    const asBefore = (step: StepShare): StepShare => ({
      ...withoutIt(step),
      recent: withoutIt(step.recent!),
    })
    world.store.report = (said, shares) =>
      report({ ...said, steps: said.steps.map(asBefore) }, shares)
    for (const each of world.all) serveCanary(each, 30, { ms: 900, firstMs: 200 })
    await world.run(4000)
    t.match(limitOf(leader), { canary: { n: 30 }, limit: { tooFew: true } })
    world.store.report = (said, shares) => {
      for (const step of said.steps) t.notOk('latencies' in step, 'what nobody asks for')
      return report(said, shares)
    }
    await world.run(8000)
    t.equal(leader.weightBp, 0)
    const [said] = world.store.log.at(-1)!.metrics
    t.match(said, { until: 'first-byte', canary: { n: 60 } })
    t.ok(Math.abs(said!.canary.value! / 200 - 1) < 0.02, `${said!.canary.value}`)
    t.equal(follower.weightBp, 0)
    t.same(world.errors, [])
  })

  await t.test('failures of late, on all that say them', async (t) => {
    const { world, leader, follower } = await start([{ ...errors, max: 0.1 }])
    const { report } = world.store
    const asBefore = (step: StepShare): StepShare => {
      const { recent: _, ...rest } = step
      return rest
    }
    // A version that says no failures of late.
    world.store.report = (said, shares) =>
      report({ ...said, steps: said.steps.map(asBefore) }, shares)
    const rounds = async (count: number, failsEvery: number) => {
      for (let round = 0; round < count; round++) {
        serveCanary(leader, 50)
        serveCanary(follower, 500, { failsEvery })
        await world.run(2000)
      }
    }
    await rounds(18, Infinity)
    await rounds(5, 3)
    t.match(limitOf(leader), { canary: { n: 23 * 550 }, verdict: 'successful' })
    world.store.report = report
    await world.run(8000)
    t.match(world.store.log.at(-1), { action: 'rollback', reason: 'errors' })
    t.same(world.errors, [])
  })

  await t.test('latencies of late, on all of them', async (t) => {
    const { world, leader, follower } = await start([latency])
    const rounds = async (count: number, ms: number) => {
      for (let round = 0; round < count; round++) {
        serveCanary(leader, 50, { ms: 20 })
        serveCanary(follower, 500, { ms })
        await world.run(2000)
      }
    }
    await rounds(18, 20)
    t.match(limitOf(leader), { verdict: 'successful' })
    // Less than one in ten of all that the step has had.
    await rounds(2, 200)
    for (let round = 0; round < 18 && leader.weightBp > 0; round++) {
      serveCanary(leader, 50, { ms: 20 })
      serveCanary(follower, 10, { ms: 200 })
      await world.run(2000)
    }
    t.match(world.store.log.at(-1), { action: 'rollback', reason: 'p90' })
    t.match(world.store.log.at(-1)!.summary, /beyond its limit of 100 ms: 20\d ms on the canary/)
    t.same(world.errors, [])
  })

  await t.test('of one that is gone nothing is of late', async (t) => {
    for (const metric of [{ ...errors, max: 0.1 }, latency]) {
      const { world, leader, follower } = await start([metric], 2000)
      const serveBoth = (fate: Parameters<typeof serveCanary>[2]) => {
        serveCanary(leader, 50)
        serveCanary(follower, 500, fate)
      }
      for (let round = 0; round < 18; round++) {
        serveBoth({})
        await world.run(2000)
      }
      // Its last seconds: one in ten of what was of late, and one in twenty of the step.
      serveBoth({ failsEvery: 1, ms: 200 })
      await world.run(1000)
      for (let round = 0; round < 40; round++) {
        serveCanary(leader, 5)
        await world.run(2000, [leader])
      }
      t.match(limitOf(leader), { verdict: 'successful', limit: { ticksBeyond: 0 } }, metric.kind)
      t.ok(limitOf(leader).canary.n > 9000, 'in the step it counts')
      t.equal(leader.weightBp, 5000)
      t.same(world.errors, [])
    }
  })

  await t.test('what is within the limit on all of them is', async (t) => {
    const { world, leader, follower } = await start([errors, latency])
    serveCanary(leader, 60, { failsEvery: 3 })
    serveCanary(follower, 60)
    await world.run(8000)
    t.match(limitOf(leader), { canary: { value: 1 / 6, n: 120 }, verdict: 'successful' })
    t.equal(leader.weightBp, 5000)
    t.same(world.errors, [])
  })

  await t.test('another step begins anew everywhere', async (t) => {
    const { world, leader, follower } = await start([errors])
    for (const each of world.all) serveCanary(each, 60, { failsEvery: 6 })
    await world.run(2000)
    const command = { verb: 'promote', full: false, actor: 'me', note: null } as const
    t.match(await leader.evaluator.command('svc', command, null), { ok: true })
    await world.run(250, [leader])
    t.same(limitOf(leader).canary, { value: null, n: 0 }, 'what others say is of the step before')
    await world.run(2000)
    t.equal(follower.weightBp, 6000)
    t.equal(follower.book.variants.get('canary')!.lastStep?.failures, 1 / 6)
    serveCanary(follower, 10)
    await world.run(2000)
    t.match(limitOf(leader).canary, { value: 0, n: 10 })
    t.same(world.errors, [])
  })

  await t.test('those of another configuration do not count', async (t) => {
    const { world, leader } = await start([errors])
    const other = quickService({ spec: { steps }, analysis: { metrics: [errors] } })
    const differing = await world.start({ ...other, failureStatuses: [503] })
    await world.run(2000)
    serveCanary(leader, 60)
    serveCanary(differing, 60, { failsEvery: 6 })
    await world.run(2000)
    t.same(limitOf(leader).canary, { value: 0, n: 60 })
  })
})

t.test('a rollback says how the canary failed on all processes', async (t) => {
  const steps = weightSteps([50, 60, 100], 1e6)
  const of = quickService({
    spec: { steps },
    analysis: { metrics: [{ ...ERRORS, ...ABSOLUTE, max: 0.2 }] },
  })
  const world = new Processes()
  const leader = await world.start(of)
  await world.run(2000)
  const followers = [await world.start(of), await world.start(of)]
  // One of them is of a version that says nothing of it.
  const { report } = world.store
  world.store.report = (said, shares) => {
    const { faults: _, ...earlier } = said
    return report(said.replica === 'p2' ? earlier : said, shares)
  }
  await world.run(4000)
  serveCanary(leader, 60, { failsEvery: 6 })
  serveCanary(followers[0]!, 60, { failsEvery: 3, code: 'SERIN_UPSTREAM_CONNECT_TIMEOUT' })
  serveCanary(followers[0]!, 60, { failsEvery: 2 })
  serveCanary(followers[1]!, 60, { failsEvery: 3 })
  await world.run(8000)
  const { action, summary } = world.store.log.at(-1)!
  t.equal(action, 'rollback')
  const [status, timeout] = [10 + 30, 20]
  t.match(
    summary,
    `attempt, judged or not: ${status} × status 500, ${timeout} × SERIN_UPSTREAM_CONNECT_TIMEOUT.`,
  )
  const retry = { verb: 'retry', force: true, actor: 'me', note: null } as const
  t.match(await leader.evaluator.command('svc', retry, null), { ok: true })
  await world.run(4000)
  serveCanary(followers[0]!, 90, { failsEvery: 3 })
  serveCanary(leader, 90, { failsEvery: 3 })
  await world.run(8000)
  t.match(
    world.store.log.at(-1)!.summary,
    'attempt, judged or not: 60 × status 500.',
    'another one begins anew',
  )
  t.same(world.errors, [])
})

function limitOf({ evaluator }: Process): MetricReport {
  return evaluator.view('svc')!.metrics[0]!
}

t.test(
  'a store that comes back with older data has other decisions under the same revisions',
  async (t) => {
    const world = new Processes()
    const leader = await world.start()
    const follower = await world.start()
    await world.run(2000)
    const before = structuredClone(world.store.records.get('svc')!)
    t.match(await leader.evaluator.command('svc', order('pause'), null), { ok: true })
    await world.run(1000)
    t.match(follower.evaluator.view('svc')!.state, { phase: 'paused', weightBp: 5000 })
    world.store.away = true
    await world.run(1000)
    // A failover loses the pause, and who decides comes to something else before the others ask.
    world.store.records.set('svc', before)
    world.store.away = false
    await world.run(500, [leader])
    t.match(await leader.evaluator.command('svc', order('abort'), null), { ok: true })
    await world.run(500)
    t.equal(world.store.records.get('svc')!.state.revision, before.state.revision + 1)
    t.same([leader.weightBp, follower.weightBp], [0, 0])
  },
)

for (const [how, awayMs] of [
  ['for less than a lease', 4500],
  ['for longer than a lease', 8000],
] as const) {
  t.test(`a store that is away ${how} loses the share of nobody who is there`, async (t) => {
    const world = new Processes()
    const leader = await world.start()
    const follower = await world.start()
    await world.run(5000)
    const before = judged(world)
    serve(leader, 10)
    serve(follower, 20)
    world.store.away = true
    await world.run(awayMs)
    world.store.away = false
    await world.run(8000)
    t.equal(judged(world), before + 30)
    t.match(leader.evaluator.replicas, { others: 1 })
  })
}

t.test('who takes over has seen nothing of the time before, and says nothing of it', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const standby = await world.start()
  for (let second = 0; second < 90; second++) {
    serve(leader, 4)
    await world.run(1000)
  }
  const { length } = world.store.log
  await world.run(8000, [standby])
  t.equal(standby.evaluator.leads, true)
  t.same(world.store.log.slice(length), [], 'there was traffic, and there may be again')
  await world.run(58_000, [standby])
  t.match(world.store.log.slice(length), [{ action: 'hold', reason: 'no-traffic' }])
  t.same(world.errors, [])
})

t.test('who decides no more shows no figures of the time when it did', async (t) => {
  const world = new Processes()
  const first = await world.start()
  await world.run(2000)
  const second = await world.start()
  serve(first, 40)
  await world.run(4000)
  t.ok(first.evaluator.view('svc')!.metrics.length > 0)
  // It slept for longer than its lease lasts.
  await world.run(7000, [second])
  await world.run(2000)
  t.match([first.evaluator.lead, second.evaluator.lead], ['elsewhere', 'here'])
  t.match(first.evaluator.view('svc'), { metrics: [], missing: [], unitsPerSecond: null })
  t.ok(second.evaluator.view('svc')!.metrics.length > 0)
  t.same(world.errors, [])
})

t.test('labels that come too late to who follows are told of by who decides', async (t) => {
  const service = quickService({ analysis: { metrics: [ERRORS, RMSE] } })
  const world = new Processes()
  const leader = await world.start(service)
  await world.run(2000)
  const follower = await world.start(service)
  await world.run(2000)
  const rollout = rolloutId(leader.evaluator.view('svc')!.state)
  serve(leader, 40)
  for (let n = 0; n < 3; n++) follower.book.labelled(samplePrediction({ rollout }), 1, true)
  leader.book.labelled(samplePrediction({ rollout }), 1, true)
  await world.run(2000)
  const { missing } = leader.evaluator.view('svc')!
  t.match(missing.join('; '), /; 4 of 4 labels came too late: is labelWindow \(/)
  t.same(world.errors, [])
})

t.test('who decides hears when labels have come to others', async (t) => {
  const service = quickService({ analysis: { metrics: [ERRORS, RMSE] } })
  const world = new Processes()
  const leader = await world.start(service)
  await world.run(2000)
  const follower = await world.start(service)
  await world.run(4000)
  const labelledAt = () => leader.evaluator.replicas!.labelledAt.get('svc')
  t.equal(labelledAt(), undefined)
  follower.book.labelled(samplePrediction(), 1)
  await world.run(2000)
  const first = labelledAt()!
  t.ok(first > world.clock.monotonic() - 2000)
  await world.run(4000)
  t.equal(labelledAt(), first, 'none has come since')
  follower.book.labelled(samplePrediction(), 1, true)
  await world.run(2000)
  t.equal(labelledAt(), first, 'one that is too late counts for nothing')
  follower.book.labelled(samplePrediction(), 1)
  await world.run(2000)
  t.ok(labelledAt()! > first)
  t.same(world.errors, [])
})

t.test(
  'a label that comes too late is late wherever it comes, after a rollback as well',
  async (t) => {
    const service = quickService({
      spec: { steps: weightSteps([50, 100], 1e6) },
      analysis: { metrics: [ERRORS, { ...RMSE, labelWindowMs: 20_000 }] },
    })
    const world = new Processes()
    const leader = await world.start(service)
    await world.run(2000)
    const follower = await world.start(service)
    await world.run(4000)
    const begin = ({ book }: Process) => {
      const none = { suppressed: false, keyMissing: false, overrideRefused: false }
      const ticket = book.begin({ variant: 'canary', reason: 'random', unit: null, ...none }, 'r')
      book.end(ticket, 'ok', 200, 5)
      const rollout = rolloutId(leader.evaluator.view('svc')!.state)
      return samplePrediction({ service: 'svc', rollout, cohort: ticket.cohort!.number })
    }
    const [first, other] = [begin(follower), begin(leader)]
    await world.run(10_000)
    const second = begin(follower)
    await world.run(2000)
    t.match(await leader.evaluator.command('svc', order('abort'), null), { ok: true })
    const told = (of: typeof first) =>
      [leader, follower].map(({ evaluator }) => evaluator.label(of, 3).result)
    await world.run(2000)
    for (const prediction of [first, other, second]) t.same(told(prediction), ['joined', 'joined'])
    await world.run(12_000)
    t.same(told(first), ['late', 'late'], 'its window is over')
    t.same(told(other), ['late', 'late'])
    t.same(told(second), ['joined', 'joined'])
    await world.run(12_000)
    t.same(told(second), ['late', 'late'])
    const { version } = await world.store.readPublications(0)
    await world.run(30_000)
    t.equal((await world.store.readPublications(0)).version, version, 'there is nothing to say')
    t.same(await world.store.readOpenings('svc'), [])
    t.same(world.errors, [])
  },
)
