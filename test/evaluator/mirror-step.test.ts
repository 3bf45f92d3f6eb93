import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec, MirrorStepSpec, RolloutSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import { GOOD } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, rolloutSpec, service, weightSteps } from '../fakes/simulated-service.ts'
import { Simulation, type SimulationOptions } from '../fakes/simulation.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 5000,
  minRequests: 500,
  maxBytes: 1024,
  tolerance: 0.01,
}

const ANSWERS: Extract<MetricSpec, { kind: 'disagreement' }> = {
  name: 'answers',
  kind: 'disagreement',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'lower',
  maxChange: null,
  sensitivity: 0,
  max: 0.05,
  min: null,
}

function mirroredService(change: Partial<MirrorStepSpec> = {}, tail = [5, 100]): Service {
  const steps = [{ ...MIRROR, ...change }, ...weightSteps(tail, 1_000_000)]
  return service(rolloutSpec({ spec: { steps }, analysis: { metrics: [ERRORS, ANSWERS] } }))
}

/** 200 requests a second, of which 2 in 100 fail, whoever answers. */
function start(
  seed: number,
  more: (random: () => number) => Partial<SimulationOptions>,
  of = mirroredService(),
): Promise<Simulation> {
  const random = createRandom(seed)
  return Simulation.create({
    service: of,
    random,
    rps: 200,
    keys: 0,
    fate: () => ({ ...GOOD, error: null, outcome: random() < 0.02 ? 'failed' : 'ok' }),
    ...more(random),
  })
}

const at = (simulation: Simulation) => simulation.state.step
const view = (simulation: Simulation) => simulation.evaluator.view('svc')!
const metric = (simulation: Simulation, name: string) =>
  view(simulation).metrics.find((m) => m.name === name)!

t.test('an equal canary passes its mirror into the first weight, and no sooner', async (t) => {
  const simulation = await start(1, (random) => ({
    copy: () => ({ failed: random() < 0.02, disagreed: random() < 0.03, latencyMs: 20 }),
  }))
  await simulation.run(4000, () => false)
  t.match(view(simulation), { stepKind: 'mirror', state: { phase: 'progressing', weightBp: 0 } })
  t.match(view(simulation).missing, [/at least 5s/, /\d+ of 500 pairs of answers judged/])
  t.ok(await simulation.run(60_000, (s) => s.step === 1))
  t.equal(simulation.weightBp, 500)
  const advanced = simulation.store.log.at(-1)!
  t.match(advanced.summary, /^Advanced from the mirror to 5 %: .*; \d+ pairs of answers judged/)
  t.same(
    advanced.metrics.map((m) => m.name),
    ['errors', 'no-answer', 'client-error', 'errors/mirror', 'answers'],
  )
  const drawn = advanced.metrics.find((m) => m.name === 'errors')!
  t.same([drawn.baseline.n, drawn.canary.n], [0, 0], 'Rule 11: a copy is no draw')
  await simulation.run(4000, () => false)
  t.same(
    view(simulation).metrics.map((m) => m.name),
    ['errors', 'no-answer', 'client-error'],
    'mirror evidence ends there',
  )
  t.same(simulation.errors, [])
})

t.test(
  'nothing of the warm-up is judged, in the mirror and again at the first weight',
  async (t) => {
    const simulation = await start(2, () => ({
      copy: (ms) => ({ failed: ms < 1900, disagreed: ms < 1900, latencyMs: 1 }),
    }))
    t.ok(await simulation.run(60_000, (s) => s.step === 1))
    t.equal(simulation.state.phase, 'progressing')
    t.match(simulation.store.log.at(-1)!.metrics.at(-1), { canary: { value: 0 } })
  },
)

t.test('a canary that fails its copies is rolled back, having answered nobody', async (t) => {
  const simulation = await start(3, (random) => ({
    copy: () => ({ failed: random() < 0.2, disagreed: null, latencyMs: 20 }),
  }))
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'errors/mirror', step: 0 })
  t.equal(simulation.book.variants.get('canary')!.requests, 0)
  t.match(simulation.store.log.at(-1)!.summary, /by errors\/mirror: .* on the canary .* against/)
})

t.test('where nothing could be compared, the pairs of a disagreement are waited for', async (t) => {
  const simulation = await start(4, () => ({
    copy: () => ({ failed: false, disagreed: null, latencyMs: 20 }),
  }))
  await simulation.run(30_000, () => false)
  t.equal(at(simulation), 0)
  t.match(view(simulation).missing, ['0 of 500 pairs of answers judged in this step'])
})

t.test('a share beyond its limit holds the step until evidence says which', async (t) => {
  const simulation = await start(5, (random) => ({
    copy: () => ({ failed: false, disagreed: random() < 0.075, latencyMs: 20 }),
  }))
  t.ok(await simulation.run(900_000, (s) => s.phase === 'rolled-back' || s.step === 1))
  t.match(simulation.state, { rolledBackReason: 'answers' })
  t.match(simulation.store.log.at(-2), {
    action: 'hold',
    reason: 'limit',
    summary: /^Holding at 0 %: answers: \S+ % is beyond 5 %\.$/,
  })
})

t.test(
  'copies that are beyond a limit roll back a canary whose margin allows as much',
  async (t) => {
    const steps = [{ ...MIRROR, minRequests: 50_000 }, ...weightSteps([5, 100], 1_000_000)]
    const metrics = [{ ...ERRORS, maxChange: 20, max: 0.1 }]
    const simulation = await start(
      11,
      (random) => ({ copy: () => ({ failed: random() < 0.2, disagreed: null, latencyMs: 20 }) }),
      service(rolloutSpec({ spec: { steps }, analysis: { metrics } })),
    )
    t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
    t.match(simulation.state, { rolledBackReason: 'errors/mirror' })
    t.match(
      simulation.store.log.at(-1)!.summary,
      /by errors\/mirror, beyond its limit of 10 %: \S+ % on the canary/,
    )
    t.same(simulation.errors, [])
  },
)

t.test('failures that come late on one side alone roll back nobody', async (t) => {
  // The same share fails: the canary at once, the baseline only after ten seconds.
  const simulation = await start(
    6,
    (random) => ({
      fate: () =>
        random() < 0.05
          ? { ...GOOD, error: null, outcome: 'failed', latencyMs: 10_000 }
          : { ...GOOD, error: null },
      copy: () => ({ failed: random() < 0.05, disagreed: false, latencyMs: 20 }),
    }),
    mirroredService({ minRequests: 4000 }),
  )
  t.ok(await simulation.run(120_000, (s) => s.step === 1), simulation.state.phase)
})

t.test('evidence of pairs is stored, and goes on after a restart and a reload', async (t) => {
  const of = mirroredService({ minRequests: 5000 })
  const simulation = await start(
    7,
    () => ({ copy: () => ({ failed: false, disagreed: false, latencyMs: 20 }) }),
    of,
  )
  await simulation.run(12_000, () => false)
  const before = metric(simulation, 'answers').canary.n
  t.ok(before > 1000)
  await simulation.restart()
  await simulation.run(4000, () => false)
  t.ok(metric(simulation, 'answers').canary.n > before)
  await simulation.reload(mirroredService({ minRequests: 4900 }), 'other')
  await simulation.run(4000, () => false)
  t.ok(metric(simulation, 'answers').stepCanaryN > before, 'in place: the step goes on')
  t.equal(at(simulation), 0)
})

t.test('a mirror goes on in the pause after it, and a pause by hand', async (t) => {
  const steps = [
    MIRROR,
    { kind: 'pause', durationMs: null } as const,
    ...weightSteps([5, 100], 1_000_000),
  ]
  const of = service(rolloutSpec({ spec: { steps }, analysis: { metrics: [ANSWERS] } }))
  let isBad = false
  const copy = () => ({ failed: false, disagreed: isBad, latencyMs: 20 })
  const simulation = await start(8, () => ({ copy }), of)
  t.ok(await simulation.run(60_000, (s) => s.phase === 'paused'))
  t.match(simulation.store.log.at(-1)!.summary, /^Waiting for an approval at 0 %: /)
  isBad = true
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'answers' })
})

t.test(
  'a canary that cannot be reached in its mirror is rolled back after ten seconds',
  async (t) => {
    const simulation = await start(9, () => ({
      reachable: (variant, ms) => variant === 'baseline' || ms < 3000,
    }))
    t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
    t.match(simulation.state, { rolledBackReason: 'variant-down' })
    t.ok(simulation.elapsedMs >= 13_000 && simulation.elapsedMs < 14_000)
  },
)

t.test('without a mirror step a standing mirror of the canary is shown alone', async (t) => {
  const spec = rolloutSpec({ analysis: { metrics: [ERRORS, ANSWERS] } })
  const mirrors = [{ to: 'canary', share: 1, maxBytes: 1024, tolerance: 0 }]
  const simulation = await start(10, () => ({}), { ...service(spec), mirrors })
  await simulation.run(3000, () => false)
  const pair = { at: 1, requestId: 'r', answeredBy: 'baseline', live: 1, mirror: 2 }
  for (const result of ['agreed', 'value'] as const) {
    simulation.book.mirrors.get('canary')!.paired({ ...pair, result, liveMs: 1, mirrorMs: 1 })
  }
  await simulation.run(1000, () => false)
  t.match(metric(simulation, 'answers'), {
    canary: { value: 0.5, n: 2 },
    required: false,
    outsideAlpha: true,
  })
})

t.test('a blue-green rollout may begin with a mirror, and is previewed after it', async (t) => {
  const steps: RolloutSpec['steps'] = [
    MIRROR,
    { kind: 'pause', durationMs: null },
    { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 },
  ]
  const spec = { strategy: 'blue-green', steps } as const
  const of = service(rolloutSpec({ spec, analysis: { metrics: [ERRORS, ANSWERS] } }))
  const copies = (failures: number) => (random: () => number) => ({
    copy: () => ({ failed: random() < failures, disagreed: random() < 0.02, latencyMs: 20 }),
  })
  const simulation = await start(8, copies(0.02), of)
  await simulation.run(2000, () => false)
  t.match(simulation.store.log.at(-1)!.summary, 'The rollout of 2.0 starts at a mirror of 100 %.')
  t.ok(await simulation.run(60_000, (s) => s.phase === 'paused'))
  t.match(simulation.store.log.at(-1)!.summary, /^Waiting for an approval at 0 %: no .* harm/)
  t.ok((await simulation.evaluator.command('svc', command('promote'), null))!.ok)
  t.match(simulation.state, { phase: 'watching', weightBp: 10_000 })
  t.match(simulation.store.log.at(-1)!.summary, /without comparative proof/)
  const worse = await start(9, copies(0.3), of)
  t.ok(await worse.run(60_000, (s) => s.phase === 'rolled-back'))
  t.equal(worse.weightBp, 0)
})
