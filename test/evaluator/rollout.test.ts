import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { errorOf, GOOD, quickService, simulate } from '../fakes/quick-rollout.ts'
import { LATENCY } from '../fakes/simulated-service.ts'
import { Simulation } from '../fakes/simulation.ts'

for (const [how, keys] of [
  ['without keys', 0],
  ['with keys', 60_000],
] as const) {
  t.test(`a better model is promoted, ${how}`, async (t) => {
    const simulation = await simulate(1, keys, (random, variant) => ({
      error: errorOf(random, variant === 'canary' ? 2 : 3),
    }))
    t.ok(
      await simulation.run(60_000, (s) => s.phase === 'promoted'),
      `stands at ${simulation.state.phase}`,
    )
    t.same(
      simulation.store.log.map((d) => d.action),
      ['hold', 'start', 'advance', 'advance', 'promote', 'promote'],
    )
    t.same(
      simulation.store.log.map((d) => d.to.weights['canary']),
      [0, 5, 20, 50, 100, 100],
    )
    t.equal(simulation.weightBp, 10_000)
    t.same(simulation.errors, [])
  })

  t.test(`a canary that answers 200 and is wrong is rolled back on RMSE, ${how}`, async (t) => {
    const simulation = await simulate(2, keys, (random, variant) => ({
      error: errorOf(random, variant === 'canary' ? 6 : 3),
    }))
    t.ok(await simulation.run(40_000, (s) => s.phase === 'rolled-back'))
    t.match(simulation.state, { weightBp: 0, rolledBackReason: 'rmse' })
    t.equal(simulation.weightBp, 0)
    t.match(
      simulation.store.log.at(-1)!.summary,
      /by rmse: 6\.?\d* on the canary .* against (3|2\.9|3\.0)/,
    )
    t.same(simulation.errors, [])
  })

  t.test(`a canary that starts to fail is rolled back within seconds, ${how}`, async (t) => {
    const simulation = await simulate(3, keys, (random, variant, ms) => ({
      outcome: variant === 'canary' && ms > 10_000 && random() < 0.5 ? 'failed' : 'ok',
    }))
    t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
    t.ok(simulation.elapsedMs < 14_000, `found after ${simulation.elapsedMs - 10_000} ms`)
    t.match(simulation.state, { rolledBackReason: 'errors' })
  })
}

t.test('a canary that is slower than its margin is rolled back on latency', async (t) => {
  const simulation = await simulate(
    4,
    0,
    (random, variant) => ({ latencyMs: (20 + 20 * random()) * (variant === 'canary' ? 1.5 : 1) }),
    [LATENCY],
  )
  t.ok(await simulation.run(40_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'latency' })
})

t.test('a canary that fails fast fails on latency, and the sentence says why', async (t) => {
  const simulation = await simulate(
    4,
    0,
    (random, variant) => {
      const isCanary = variant === 'canary'
      const failed = isCanary && random() < 0.3
      return {
        outcome: failed ? 'failed' : 'ok',
        latencyMs: (20 + 20 * random()) * (isCanary ? 0.5 : 1),
      }
    },
    [LATENCY],
  )
  t.ok(await simulation.run(40_000, (s) => s.phase === 'rolled-back'))
  const { reason, summary, metrics } = simulation.store.log.at(-1)!
  t.equal(reason, 'latency')
  t.match(
    summary,
    /; slow or failed: [23]\d(\.\d)? % of the canary's requests against [\d.]+ %; the/,
  )
  const { baseline, canary, slow } = metrics.find((m) => m.name === 'latency')!
  t.ok(canary.value! < baseline.value!, 'while its quantile is the lower one')
  t.ok(slow!.canary! > slow!.baseline!)
})

t.test('a canary whose upstreams go away is rolled back after ten seconds', async (t) => {
  const random = createRandom(5)
  const simulation = await Simulation.create({
    service: quickService(),
    random,
    rps: 400,
    keys: 0,
    fate: () => ({ ...GOOD, error: errorOf(random, 3) }),
    reachable: (variant, ms) => variant === 'baseline' || (ms > 3000 && ms < 8000),
  })
  await simulation.run(2500, () => false)
  t.match(simulation.state, { phase: 'idle', weightBp: 0 }, 'not ready yet')
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'variant-down' })
  t.ok(simulation.elapsedMs >= 18_000 && simulation.elapsedMs <= 18_500)
})

t.test(
  'an absolute limit that the canary breaks rolls it back after three evaluations',
  async (t) => {
    const limited = { ...LATENCY, quantile: 0.5, maxChange: null, max: 100 }
    const simulation = await simulate(
      6,
      0,
      (_random, variant) => ({ latencyMs: variant === 'canary' ? 120 : 20 }),
      [limited],
    )
    t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
    t.match(simulation.store.log.at(-1), {
      reason: 'latency',
      summary: /beyond its limit of 100 ms/,
    })
  },
)

t.test('a rollout without traffic holds, and goes on when it comes', async (t) => {
  const random = createRandom(7)
  let rps = 0
  const simulation = await Simulation.create({
    service: quickService(),
    random,
    get rps() {
      return rps
    },
    keys: 0,
    fate: () => ({ ...GOOD, error: errorOf(random, 3) }),
  })
  await simulation.run(70_000, () => false)
  t.match(simulation.store.log.at(-1), { action: 'hold', reason: 'no-traffic' })
  t.equal(simulation.store.log.filter((d) => d.action === 'hold').length, 2)
  rps = 2000
  t.ok(await simulation.run(20_000, (s) => s.step > 0))
})
