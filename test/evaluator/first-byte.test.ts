import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, LATENCY } from '../fakes/simulated-service.ts'
import type { Fate } from '../fakes/simulation.ts'

const FIRST: MetricSpec = { ...LATENCY, name: 'first', until: 'first-byte', maxChange: 0.2 }
const MINUTE = 60_000

/** A rollout of a model that streams: the first token of an answer, and its last. */
async function stream(
  metrics: readonly MetricSpec[],
  canary: (random: () => number) => Partial<Fate>,
  seed = 3,
) {
  const simulation = await simulate(
    seed,
    0,
    (random, variant) => {
      const firstByteMs = 100 + 100 * random()
      const usual = { firstByteMs, latencyMs: firstByteMs + 300 * random(), error: null }
      return { ...usual, ...(variant === 'canary' ? canary(random) : undefined) }
    },
    metrics,
    { rps: 300, service: quickService({ analysis: { metrics } }) },
  )
  const isOver = await simulation.run(
    5 * MINUTE,
    ({ phase }) => phase === 'rolled-back' || phase === 'promoted' || phase === 'paused',
  )
  t.same(simulation.errors, [])
  return { simulation, phase: isOver ? simulation.state.phase : 'not over' }
}

/** Answers of the canary that begin as soon, and take longer. */
const longer = (random: () => number) => {
  const firstByteMs = 100 + 100 * random()
  return { firstByteMs, latencyMs: firstByteMs + 3000 * random() }
}

t.test('a model that says more is no slower', async (t) => {
  const { phase } = await stream([ERRORS, FIRST], longer)
  t.equal(phase, 'promoted')
  const until = await stream([ERRORS, FIRST, LATENCY], longer)
  t.equal(until.phase, 'rolled-back', 'but where the last byte is asked for as well')
  t.match(until.simulation.store.log.at(-1), { reason: 'latency' })
})

t.test('one that begins to speak late is rolled back, by the evidence', async (t) => {
  const late = (random: () => number) => {
    const firstByteMs = 150 + 150 * random()
    return { firstByteMs, latencyMs: 310 + 100 * random() }
  }
  const { phase, simulation } = await stream([ERRORS, FIRST], late)
  t.equal(phase, 'rolled-back')
  const last = simulation.store.log.at(-1)!
  t.match(last, { reason: 'first', action: 'rollback' })
  const first = last.metrics.find(({ name }) => name === 'first')!
  t.match(first, { kind: 'latency', until: 'first-byte', verdict: 'failed' })
  t.ok(first.baseline.value! < 205 && first.canary.value! > 250, JSON.stringify(first.canary))
})

t.test('clients that stop reading are judged by when it began', async (t) => {
  const stopped = (random: () => number) => {
    const firstByteMs = 100 + 100 * random()
    const usual = { firstByteMs, latencyMs: firstByteMs + 300 * random() }
    return random() < 0.3 ? { ...usual, outcome: 'client_closed' as const } : usual
  }
  // The guard on requests without an answer would hold it as well, which is what a pause is for.
  const { simulation } = await stream([FIRST], stopped)
  const first = simulation.evaluator.view('svc')!.metrics.find(({ name }) => name === 'first')!
  t.not(first.verdict, 'failed')
  t.ok(first.slow!.canary! < 0.05, `${first.slow!.canary}`)
  const last = await stream([LATENCY], stopped)
  const { slow } = last.simulation.evaluator
    .view('svc')!
    .metrics.find(({ name }) => name === 'latency')!
  t.ok(slow!.canary! > 0.25, 'until the last byte they have no answer')
})

t.test('an absolute limit on it is one on it', async (t) => {
  const limited = (max: number) => [ERRORS, { ...FIRST, maxChange: null, max }]
  const kept = await stream(limited(250), longer)
  t.equal(kept.phase, 'promoted', 'whole answers may take longer')
  const broken = await stream(limited(180), (random) => {
    const firstByteMs = 200 + 100 * random()
    return { firstByteMs, latencyMs: 310 }
  })
  t.equal(broken.phase, 'not over', 'the baseline breaks it too')
  const alone = await stream(limited(220), (random) => {
    const firstByteMs = 200 + 100 * random()
    return { firstByteMs, latencyMs: 310 }
  })
  t.equal(alone.phase, 'rolled-back')
  const last = alone.simulation.store.log.at(-1)!
  t.match(last, { reason: 'first' })
  t.match(
    last.metrics.find(({ name }) => name === 'first'),
    {
      until: 'first-byte',
      outsideAlpha: true,
    },
  )
})

t.test('counted measurements of it are of it', async (t) => {
  const threshold = {
    ...{ intervalMs: 1000, count: null, failureLimit: 0, inconclusiveLimit: 0 },
    ...{ consecutiveErrorLimit: 4, consecutiveSuccessLimit: null },
  }
  const counted = { ...FIRST, maxChange: null, max: 220, threshold }
  t.equal((await stream([ERRORS, counted], longer)).phase, 'promoted')
  const late = await stream([ERRORS, counted], (random) => {
    const firstByteMs = 240 + 100 * random()
    return { firstByteMs, latencyMs: 350 }
  })
  t.equal(late.phase, 'rolled-back')
  t.match(
    late.simulation.store.log.at(-1)!.metrics.find(({ name }) => name === 'first'),
    { until: 'first-byte', threshold: { counts: { failed: 1 } } },
  )
})
