import t from 'tap'
import type { MetricSpec, RolloutSpec } from '../../src/domain/rollout-spec.ts'
import { GPU, gaugeOfCanary } from '../fakes/measurements.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, LATENCY, rolloutSpec, service } from '../fakes/simulated-service.ts'
import type { Fate, Simulation, SimulationOptions } from '../fakes/simulation.ts'

const SWITCH = { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 } as const
const LIMITED: MetricSpec = { ...LATENCY, quantile: 0.5, maxChange: null, max: 100 }

function blueGreen(
  pauseMs: number | null,
  metrics: readonly MetricSpec[],
  fate: (variant: string, ms: number, random: () => number) => Partial<Fate> = () => ({}),
  change: Partial<SimulationOptions> = {},
): Promise<Simulation> {
  const steps: RolloutSpec['steps'] = [{ kind: 'pause', durationMs: pauseMs }, SWITCH]
  const spec = { strategy: 'blue-green', steps, watchMs: 30_000 } as const
  return simulate(41, 0, (random, variant, ms) => fate(variant, ms, random), metrics, {
    service: service(rolloutSpec({ spec, analysis: { metrics } })),
    rps: 400,
    ...change,
  })
}

const told = (simulation: Simulation) =>
  simulation.store.log.map((d) => `${d.action} ${d.reason} ${d.to.weights['canary']}`)

t.test('preview, switch, watch and undo: the canary has 0 % or 100 %, never else', async (t) => {
  const weights = new Set<number>()
  const simulation = await blueGreen(null, [ERRORS, LIMITED])
  const until = (ms: number, done: (phase: string) => boolean) =>
    simulation.run(ms, (s) => weights.add(simulation.weightBp) && done(s.phase))
  t.notOk(await until(120_000, (phase) => phase !== 'paused' && phase !== 'idle'))
  t.same([...weights], [0], 'nobody is drawn to a preview, however long it takes')
  t.ok((await simulation.evaluator.command('svc', command('promote'), null))!.ok)
  await until(29_000, () => simulation.elapsedMs > 145_000)
  t.equal(simulation.state.phase, 'watching')
  t.ok((await simulation.evaluator.command('svc', command('undo'), null))!.ok)
  await until(1000, () => false)
  t.same([...weights], [0, 10_000])
  t.equal(simulation.weightBp, 0)
  t.same(told(simulation), [
    'hold new-version 0',
    'start canary-ready 0',
    'promote operator 100',
    'undo operator 0',
  ])
  t.same(simulation.errors, [])
})

t.test('a timed pause switches by itself, and a watch without an alarm promotes', async (t) => {
  const simulation = await blueGreen(10_000, [ERRORS, LIMITED])
  t.ok(await simulation.run(15_000, (s) => s.phase === 'watching'))
  t.match(simulation.store.log.at(-1), {
    reason: 'timer',
    summary: /^Switched from 0 % to 100 % without comparative proof/,
  })
  await simulation.restart()
  t.equal(simulation.weightBp, 10_000, 'a restart moves nobody')
  t.ok(await simulation.run(40_000, (s) => s.phase === 'promoted'))
  t.same(told(simulation), [
    'hold new-version 0',
    'start canary-ready 0',
    'promote timer 100',
    'promote watch-over 100',
  ])
  t.same(
    await simulation.store.archivedCohorts('svc', '1.4->2.0#1', { after: 0, limit: 10 }),
    [],
    'nothing was compared',
  )
})

t.test('in the watch a broken limit and the breaker roll back within seconds', async (t) => {
  const slow = await blueGreen(5000, [LIMITED], (variant) => ({
    latencyMs: variant === 'canary' ? 120 : 20,
  }))
  t.ok(await slow.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(slow.store.log.at(-1), { reason: 'latency', from: { phase: 'watching' } })
  const failing = await blueGreen(5000, [ERRORS], (variant, ms, random) => ({
    outcome: variant === 'canary' && ms > 15_000 && random() < 0.8 ? 'failed' : 'ok',
  }))
  t.ok(await failing.run(40_000, (s) => s.phase === 'rolled-back'))
  t.match(failing.store.log.at(-1), { reason: 'breaker', from: { phase: 'watching' } })
  t.ok(failing.elapsedMs < 27_000, `found ${failing.elapsedMs - 15_000} ms after it began`)
  t.equal(failing.weightBp, 0)
})

t.test('in the watch a limit sees what comes late, however good the time before was', async (t) => {
  const limited: MetricSpec = { ...ERRORS, maxChange: null, max: 0.1 }
  const steps: RolloutSpec['steps'] = [{ kind: 'pause', durationMs: 5000 }, SWITCH]
  const spec = { strategy: 'blue-green', steps, watchMs: 120_000 } as const
  const run = async (share: (ms: number) => number) => {
    const simulation = await blueGreen(
      5000,
      [limited],
      (variant, ms, random) => ({
        outcome: variant === 'canary' && random() < share(ms) ? 'failed' : 'ok',
      }),
      { service: service(rolloutSpec({ spec, analysis: { metrics: [limited] } })), rps: 100 },
    )
    await simulation.run(140_000, (s) => s.phase === 'rolled-back' || s.phase === 'promoted')
    return simulation
  }
  // The average of the watch would be 7.5 % when it ends.
  const failing = await run((ms) => (ms > 95_000 ? 0.3 : 0))
  t.match(failing.store.log.at(-1), { reason: 'errors', from: { phase: 'watching' } })
  t.ok(failing.elapsedMs < 115_000, `found after ${failing.elapsedMs} ms`)
  const within = await run(() => 0.05)
  t.match(within.store.log.at(-1), { reason: 'watch-over' })
})

t.test('a canary that goes away in its preview is rolled back, and not switched to', async (t) => {
  const simulation = await blueGreen(5000, [ERRORS], () => ({}), {
    reachable: (variant, ms) => variant === 'baseline' || ms < 4000,
  })
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.same(told(simulation), [
    'hold new-version 0',
    'start canary-ready 0',
    'hold canary-not-ready 0',
    'rollback variant-down 0',
  ])
})

t.test('providers are asked about a preview, and speak before the switch', async (t) => {
  const bad = await blueGreen(60_000, [GPU], () => ({}), {
    fetchProvider: gaugeOfCanary(() => '0.95'),
  })
  t.ok(await bad.run(30_000, (s) => s.phase === 'rolled-back'))
  t.match(bad.store.log.at(-1), {
    reason: 'gpu',
    from: { phase: 'paused', weights: { canary: 0 } },
  })

  let isUp = false
  const away = await blueGreen(10_000, [GPU], () => ({}), {
    fetchProvider: gaugeOfCanary(() => (isUp ? '0.5' : 'down')),
  })
  await away.run(20_000, () => false)
  t.match(away.store.log.at(-1), { action: 'hold', reason: 'error', to: { phase: 'paused' } })
  isUp = true
  t.ok(await away.run(20_000, (s) => s.phase === 'watching'), 'and the switch comes with it')
})
