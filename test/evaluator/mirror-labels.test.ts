import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec, MirrorStepSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import { gaugeOfCanary, GPU } from '../fakes/measurements.ts'
import { GOOD } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import {
  ACCURACY,
  ERRORS,
  LATENCY,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'
import {
  Simulation,
  type CopyFate,
  type Fate,
  type SimulationOptions,
} from '../fakes/simulation.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 5000,
  minRequests: 500,
  maxBytes: 1024,
  tolerance: 0.01,
}

function mirrored(metrics: readonly MetricSpec[], change: Partial<MirrorStepSpec> = {}): Service {
  const steps = [{ ...MIRROR, ...change }, ...weightSteps([5, 100], 1_000_000)]
  return service(rolloutSpec({ spec: { steps }, analysis: { metrics } }))
}

/** About normal, of variance 1. */
function noise(random: () => number): number {
  return Array.from({ length: 12 }, random).reduce((sum, each) => sum + each, -6)
}

/**
 * 100 requests a second; the baseline's errors are about normal, and the canary's are those times
 * `worse` and a little of its own: its answers look right.
 */
function start(
  seed: number,
  of: Service,
  worse: number,
  more: Partial<SimulationOptions> = {},
): Promise<Simulation> {
  const random = createRandom(seed)
  return Simulation.create({
    service: of,
    random,
    rps: 100,
    keys: 0,
    fate: () => ({ ...GOOD, error: 5 * noise(random), prediction: 100, labelAfterMs: 500 }),
    copy: (_ms, request) => copyOf(request, worse, random),
    ...more,
  })
}

function copyOf({ error, prediction }: Fate, worse: number, random: () => number): CopyFate {
  const own = worse * error! + noise(random)
  return { failed: false, disagreed: false, latencyMs: 20, prediction: prediction! + error! - own }
}

const metric = (simulation: Simulation, name: string) =>
  simulation.evaluator.view('svc')!.metrics.find((m) => m.name === name)!
const served = (simulation: Simulation) => simulation.book.variants.get('canary')!.requests

t.test('worse predictions are refused in the mirror by their labels alone', async (t) => {
  const simulation = await start(1, mirrored([RMSE], { minRequests: 100_000 }), 1.15)
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'rmse/mirror', step: 0 })
  t.equal(served(simulation), 0)
  const { summary, metrics } = simulation.store.log.at(-1)!
  t.match(summary, /by rmse\/mirror: 5\.\d+ on the canary .* against 4\.\d+ on the baseline/)
  t.match(summary, /No user has seen an answer of the canary\.$/)
  t.same(
    metrics.map((m) => m.name),
    ['', '/mirror'].flatMap((twin) =>
      ['rmse', 'rmse/above-cap', 'rmse/label-missing'].map((id) => `${id}${twin}`),
    ),
  )
  t.equal(metrics.find((m) => m.name === 'rmse')!.canary.n, 0, 'a pair is no draw')
  t.same(simulation.errors, [])
})

t.test('an equal canary is shown to be no worse, once its labels are there', async (t) => {
  const simulation = await start(2, mirrored([RMSE]), 1)
  await simulation.run(4000, () => false)
  t.match(
    simulation.evaluator.view('svc')!.missing.at(-1),
    /^rmse\/mirror: \d+ of 100 labels of pairs/,
  )
  t.ok(await simulation.run(120_000, (s) => s.step === 1))
  const found = simulation.store.log.at(-1)!.metrics.find((m) => m.name === 'rmse/mirror')!
  t.ok(found.stepCanaryN >= 100)
  t.match(found, { kind: 'rmse', margins: { harm: 0.05, proof: 0.05 }, cap: 25 })
})

t.test('of answers that are right or wrong the share of right ones is compared', async (t) => {
  const random = createRandom(3)
  const hit = (share: number) => (random() < share ? 100 : 0)
  const simulation = await start(3, mirrored([ACCURACY], { minRequests: 100_000 }), 1, {
    fate: () => {
      const prediction = hit(0.9)
      return { ...GOOD, error: 100 - prediction, prediction, labelAfterMs: 500 }
    },
    copy: () => ({ failed: false, disagreed: false, latencyMs: 20, prediction: hit(0.75) }),
  })
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'accuracy/mirror' })
  t.equal(served(simulation), 0)
})

t.test('a cap is learnt from the first labels, which are not judged', async (t) => {
  const simulation = await start(
    4,
    mirrored([{ ...RMSE, cap: null }], { minRequests: 100_000 }),
    1.2,
  )
  await simulation.run(8000, () => false)
  t.equal(metric(simulation, 'rmse/mirror').cap, null)
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  const last = simulation.store.log.at(-1)!.metrics.find((m) => m.name === 'rmse/mirror')!
  t.ok(last.cap! > 10 && last.cap! < 25, `${last.cap}`)
})

t.test('a canary that predicts nothing for some requests is found, labelled or not', async (t) => {
  for (const isLabelled of [true, false]) {
    const random = createRandom(5)
    const simulation = await start(5, mirrored([RMSE], { minRequests: 100_000 }), 1, {
      fate: () => ({ ...GOOD, error: isLabelled ? 5 * noise(random) : null, prediction: 100 }),
      copy: () => ({
        ...{ failed: false, disagreed: false, latencyMs: 20 },
        prediction: random() < 0.05 ? null : 100,
      }),
    })
    t.ok(await simulation.run(300_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedMetric: 'rmse/label-missing/mirror' })
    await simulation.evaluator.command('svc', command('resume'), null)
    await simulation.run(30_000, () => false)
    t.match(simulation.state, { phase: 'progressing' }, 'which is known from then on')
  }
})

/** Both fail one request in ten, the canary `more` times that, and each others than the other one. */
async function startFailing(seed: number, more: number): Promise<Simulation> {
  const random = createRandom(seed)
  return start(seed, mirrored([RMSE], { minRequests: 100_000 }), 1, {
    fate: () => {
      const failed = random() < 0.1
      const outcome = failed ? 'failed' : 'ok'
      // Only what users were answered is labelled.
      const error = failed ? null : 5 * noise(random)
      return { ...GOOD, outcome, error, prediction: 100, labelAfterMs: 500 }
    },
    copy: () => ({
      ...{ failed: random() < 0.1 * more, disagreed: null, latencyMs: 20 },
      prediction: 100 - noise(random),
    }),
  })
}

t.test('where only answered requests are labelled a sound canary is not paused', async (t) => {
  for (let seed = 30; seed < 36; seed++) {
    const alike = await startFailing(seed, 1)
    t.notOk(await alike.run(300_000, (s) => s.phase !== 'progressing'))
    const { baseline, canary } = metric(alike, 'rmse/label-missing/mirror')
    t.equal(baseline.n, canary.n)
    t.ok(canary.n > 29_000, 'every pair')
    for (const { value } of [baseline, canary]) t.ok(Math.abs(value! - 0.1) < 0.01, `${value}`)
  }
  const worse = await startFailing(36, 1.5)
  t.ok(await worse.run(300_000, (s) => s.phase === 'paused'))
  t.match(worse.state, { pausedMetric: 'rmse/label-missing/mirror' })
})

t.test('no label of a pair that was acknowledged is lost with the process', async (t) => {
  const of = mirrored([{ ...RMSE, labelWindowMs: 20_000 }], { minRequests: 100_000 })
  const simulation = await start(6, of, 1)
  const labelled = () => metric(simulation, 'rmse/above-cap/mirror').canary.n
  // Within an interval, of which some pairs have their labels.
  await simulation.run(50_750, () => false)
  const { cohorts } = (await simulation.store.readRollout('svc'))!
  t.ok(cohorts.length > 10)
  t.ok(cohorts.every((c) => c.mirrored === true))
  t.equal(cohorts.at(-1)!.closedAt, null, 'the open one is among them')
  const asked = () => metric(simulation, 'rmse/label-missing/mirror').canary.n
  const pairs = asked()
  t.ok(pairs > 4500)
  const [folded, acknowledged] = [labelled(), simulation.pairLabels]
  t.ok(folded < acknowledged - 1500)
  await simulation.restart()
  // Until the windows of all that waited are over, and none of what came since.
  await simulation.run(21_000, () => false)
  t.equal(labelled(), acknowledged)
  t.ok(asked() > pairs + 1500, 'and what predicts nothing is counted on')
  t.ok(metric(simulation, 'rmse/mirror').canary.n > 0.9 * acknowledged)
  t.same(simulation.errors, [])
})

t.test('with the first weight nothing waits for pairs any more', async (t) => {
  const of = mirrored([{ ...RMSE, minLabels: 1, labelWindowMs: 4000 }], { minRequests: 10 })
  const simulation = await start(7, of, 1)
  t.ok(await simulation.run(120_000, (s) => s.step === 1))
  await simulation.run(8000, () => false)
  t.ok((await simulation.store.readRollout('svc'))!.cohorts.every((c) => c.mirrored !== true))
  t.notOk(simulation.evaluator.view('svc')!.metrics.some((m) => m.name.endsWith('/mirror')))
})

t.test('a canary that takes longer is refused in the mirror', async (t) => {
  const random = createRandom(8)
  const ms = (factor: number) => 20 * Math.exp(0.5 * noise(random)) * factor
  const simulation = await start(8, mirrored([LATENCY], { minRequests: 100_000 }), 1, {
    fate: () => ({ ...GOOD, error: null, latencyMs: ms(1) }),
    copy: () => ({ failed: false, disagreed: false, latencyMs: ms(1.5) }),
  })
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'latency/mirror' })
  const found = simulation.store.log.at(-1)!.metrics.find((m) => m.name === 'latency/mirror')!
  t.ok(found.canary.value! > 1.3 * found.baseline.value!, 'quantiles, in ms')
})

t.test('absolute limits are held against the copies', async (t) => {
  const limit: MetricSpec = { ...RMSE, maxChange: null, max: 5.5 }
  const simulation = await start(9, mirrored([limit], { minRequests: 100_000 }), 1.2)
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'rmse/mirror' })
  t.match(simulation.store.log.at(-1)!.summary, /beyond its limit of 5\.5.*\(outside α\)/)
  const slow: MetricSpec = { ...LATENCY, name: 'slow', maxChange: null, max: 40 }
  const slower = await start(10, mirrored([slow], { minRequests: 100_000 }), 1, {
    copy: () => ({ failed: false, disagreed: false, latencyMs: 50 }),
  })
  t.ok(await slower.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(slower.state, { rolledBackReason: 'slow' })
})

t.test('other systems are asked about a canary in its mirror, and their limits hold', async (t) => {
  const bad = await start(11, mirrored([ERRORS, GPU], { minRequests: 100_000 }), 1, {
    fetchProvider: gaugeOfCanary(() => '0.95'),
  })
  t.ok(await bad.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(bad.state, { rolledBackReason: 'gpu' })
  t.equal(served(bad), 0)
  let isUp = false
  const late = await start(12, mirrored([ERRORS, GPU]), 1, {
    fetchProvider: gaugeOfCanary(() => (isUp ? '0.5' : 'down')),
  })
  await late.run(20_000, () => false)
  t.match(late.state, { step: 0, phase: 'progressing' })
  t.match(late.evaluator.view('svc')!.missing, [/^gpu: could not be read/])
  isUp = true
  t.ok(await late.run(60_000, (s) => s.step === 1))
})

t.test('each segment is judged apart, by failures, latency and labels', async (t) => {
  const random = createRandom(13)
  const segments = ['gold']
  const of = mirrored(
    [ERRORS, LATENCY, RMSE].map((m) => ({ ...m, segments })),
    {
      minRequests: 100_000,
    },
  )
  const simulation = await start(13, of, 1, {
    segment: () => (random() < 0.3 ? 'gold' : 'other'),
    fate: (_variant, _ms, segment) => ({
      ...GOOD,
      error: 5 * noise(random),
      prediction: 100,
      latencyMs: segment === 'gold' ? 30 : 20,
    }),
    copy: (ms, request) => ({
      ...copyOf(request, 1, random),
      latencyMs: request.latencyMs,
      failed: ms > 20_000 && request.latencyMs === 30 && random() < 0.5,
    }),
  })
  t.ok(await simulation.run(300_000, (s) => s.phase === 'rolled-back'))
  const { metrics } = simulation.store.log.at(-1)!
  const found = (name: string) => metrics.find((m) => m.name === name)!
  t.match(found('errors@gold/mirror'), { verdict: 'failed', segment: 'gold', kind: 'error-rate' })
  t.equal(found('errors@gold/mirror').baseline.value, 0)
  t.ok(found('latency@gold/mirror').baseline.value! > 29)
  t.ok(found('latency/mirror').canary.n > found('latency@gold/mirror').canary.n)
  t.ok(found('rmse@gold/mirror').stepCanaryN < found('rmse/mirror').stepCanaryN / 2)
})
