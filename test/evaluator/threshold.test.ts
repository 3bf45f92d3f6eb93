import t from 'tap'
import type { MetricSpec, RolloutSpec } from '../../src/domain/rollout-spec.ts'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { terms } from '../fakes/measurements.ts'
import { ACCURACY, ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import type { Fate, Simulation, SimulationOptions } from '../fakes/simulation.ts'

const LIMIT = { ...ERRORS, maxChange: null, max: 0.05, threshold: terms() }

function rollout(
  metrics: readonly MetricSpec[],
  fate: (random: () => number, variant: string, ms: number) => Partial<Fate> = () => ({}),
  change: Partial<SimulationOptions> = {},
  spec: Partial<RolloutSpec> = {},
) {
  const service = quickService({ spec, analysis: { metrics } })
  return simulate(41, 0, fate, metrics, { service, ...change })
}

const ENDLESS = { steps: weightSteps([50, 100], 1_000_000) }

const named = (simulation: Simulation, name: string) =>
  simulation.evaluator.view('svc')!.metrics.find((m) => m.name === name)!

const failing =
  (rate: number, from = 0) =>
  (random: () => number, variant: string, ms: number) => ({
    outcome:
      variant === 'canary' && ms > from && random() < rate ? ('failed' as const) : ('ok' as const),
  })

t.test('a canary within its thresholds is promoted on them, and no proof is claimed', async (t) => {
  const simulation = await rollout([LIMIT], failing(0.01))
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  const promoted = simulation.store.log.at(-2)!
  t.match(promoted.summary, /without proof of being no worse; errors within limits \(outside α\)/)
  t.match(promoted.metrics[0], { name: 'errors', outsideAlpha: true, evidence: { harm: null } })
  t.same(simulation.errors, [])
})

t.test('one interval beyond the limit rolls back, where no failure is allowed', async (t) => {
  const simulation = await rollout([LIMIT], failing(0.2, 5000), {}, ENDLESS)
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.ok(simulation.elapsedMs < 7500, `after ${simulation.elapsedMs - 5000} ms`)
  t.match(simulation.store.log.at(-1)!.summary, /errors failed 1 measurement of this step/)
})

t.test(
  'each interval has figures of its own: what is over does not weigh on the next',
  async (t) => {
    const allowed = { ...LIMIT, threshold: terms({ failureLimit: 2 }) }
    const bad = (random: () => number, variant: string, ms: number) => ({
      outcome:
        variant === 'canary' && ms > 4000 && ms < 4900 && random() < 0.9
          ? ('failed' as const)
          : ('ok' as const),
    })
    const simulation = await rollout([allowed], bad, {}, ENDLESS)
    await simulation.run(3900, () => false)
    t.match(named(simulation, 'errors'), { canary: { value: 0 } })
    await simulation.run(6000, () => false)
    const { threshold, canary } = named(simulation, 'errors')
    const { failed, successful } = threshold!.counts
    t.ok(failed === 1 || failed === 2, `the bad second touched ${failed}`)
    t.ok(successful >= 4, `and ${successful} are good`)
    t.equal(canary.value, 0)
    t.ok(canary.n > 1000 && canary.n < 2500, `about a second of traffic: ${canary.n}`)
  },
)

t.test(
  'an interval with too few requests goes on until it has enough: silence is no failure',
  async (t) => {
    const simulation = await rollout([LIMIT], failing(0.15), { rps: 40 }, ENDLESS)
    await simulation.run(4000, () => false)
    t.match(named(simulation, 'errors').threshold!.counts, { failed: 0, successful: 0 })
    t.equal(simulation.state.phase, 'progressing')
    t.same(simulation.evaluator.view('svc')!.missing.slice(-1), [
      'errors: 0 measurements in this step',
    ])
    t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'), 'in the end it has')
  },
)

t.test(
  'the first measurement of a step takes an interval, however its last run ended',
  async (t) => {
    const once = { consecutiveSuccessLimit: 1, intervalMs: 3000 }
    const soon = { ...LATENCY, maxChange: null, quantile: 0.5, max: 100, threshold: terms(once) }
    const steps = weightSteps([20, 50, 100], 1).map((s) => ({ ...s, minDurationMs: 8000 }))
    const simulation = await rollout([soon], () => ({}), {}, { steps })
    t.ok(await simulation.run(30_000, (s) => s.step === 1))
    const enteredAt = simulation.elapsedMs
    const isMeasured = () => named(simulation, 'latency').threshold!.counts.successful === 1
    await simulation.run(300, () => false)
    t.notOk(isMeasured(), 'the run of the step before was over, and its interval as well')
    t.ok(await simulation.run(10_000, isMeasured))
    t.ok(simulation.elapsedMs - enteredAt >= 3000, `after ${simulation.elapsedMs - enteredAt} ms`)
  },
)

t.test('a margin compares with the same interval of the baseline', async (t) => {
  const relative = { ...ERRORS, maxChange: 0.5, floor: 0.01, threshold: terms({ failureLimit: 1 }) }
  const alike = await rollout(
    [relative],
    (random) => ({
      outcome: random() < 0.3 ? ('failed' as const) : ('ok' as const),
    }),
    {},
    ENDLESS,
  )
  await alike.run(8000, () => false)
  t.match(named(alike, 'errors').threshold!.counts, { failed: 0 })
  t.ok(named(alike, 'errors').threshold!.counts.successful > 3)
  const worse = await rollout([relative], failing(0.05), {}, ENDLESS)
  t.ok(await worse.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(
    worse.store.log.at(-1)!.summary,
    /failed 2 measurements of this step, which may show 50 % more than the baseline/,
  )
})

t.test('at 100 % a margin has no baseline and measures nothing; a limit goes on', async (t) => {
  const relative = { ...ERRORS, name: 'relative', maxChange: 0.5, threshold: terms() }
  const simulation = await rollout([relative, LIMIT], failing(0.2, 12_000), {}, { watchMs: 60_000 })
  t.ok(await simulation.run(11_900, (s) => s.phase === 'watching'))
  await simulation.run(11_900 - simulation.elapsedMs, () => false)
  t.match(named(simulation, 'relative').threshold!.counts, { successful: 0, failed: 0 })
  t.ok(named(simulation, 'errors').threshold!.counts.successful > 0)
  t.ok(await simulation.run(10_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'errors' })
})

t.test('latency, RMSE and accuracy are measured too', async (t) => {
  const metrics = [
    { ...LATENCY, maxChange: null, max: 100, threshold: terms() },
    { ...RMSE, maxChange: 0.5, threshold: terms() },
    { ...ACCURACY, maxChange: null, min: 0, threshold: terms() },
  ]
  const simulation = await rollout(metrics, () => ({ latencyMs: 20 }), {}, ENDLESS)
  await simulation.run(12_000, () => false)
  const latency = named(simulation, 'latency')
  t.match(latency, { verdict: 'successful' })
  t.ok(Math.abs(latency.canary.value! - 20) < 1)
  const rmse = named(simulation, 'rmse')
  t.match(rmse, { verdict: 'successful', outsideAlpha: true, cap: 25 })
  t.ok(Math.abs(rmse.canary.value! - 3) < 0.5 && rmse.canary.n >= 100, JSON.stringify(rmse.canary))
  t.match(named(simulation, 'accuracy'), { verdict: 'successful' })
  t.same(simulation.errors, [])
})

t.test('a model that is wrong fails its measurements of RMSE', async (t) => {
  const simulation = await rollout(
    [{ ...RMSE, maxChange: 0.2, threshold: terms({ failureLimit: 1 }) }],
    (random, variant) => ({ error: errorOf(random, variant === 'canary' ? 6 : 3) }),
  )
  t.ok(await simulation.run(30_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'rmse' })
})

t.test(
  'a count that is reached ends measuring in its step, and the next step begins anew',
  async (t) => {
    const counted = { ...LIMIT, threshold: terms({ count: 2 }) }
    const simulation = await rollout([counted])
    t.ok(
      await simulation.run(20_000, () => {
        const view = simulation.evaluator.view('svc')!
        return view.metrics[0]?.threshold?.over === true
      }),
    )
    t.match(named(simulation, 'errors').threshold!.counts, { successful: 2 })
    t.ok(await simulation.run(20_000, (s) => s.step === 1))
    await simulation.run(250, () => false)
    t.match(named(simulation, 'errors').threshold!.counts, { successful: 0 })
  },
)

t.test('a restart goes on with what is counted, and other counters apply in place', async (t) => {
  const allowed = { ...LIMIT, threshold: terms({ failureLimit: 50 }) }
  const simulation = await rollout([allowed], failing(0.2), {}, ENDLESS)
  const counts = () => named(simulation, 'errors').threshold!.counts
  t.ok(
    await simulation.run(
      20_000,
      () => simulation.evaluator.view('svc')!.metrics.length > 0 && counts().failed === 3,
    ),
  )
  const { attempt } = simulation.state
  await simulation.restart()
  await simulation.run(500, () => false)
  t.equal(counts().failed, 3)
  const stricter = { ...LIMIT, threshold: terms({ failureLimit: 2 }) }
  await simulation.reload(
    quickService({ spec: ENDLESS, analysis: { metrics: [stricter] } }),
    'other',
  )
  t.ok(await simulation.run(1000, (s) => s.phase === 'rolled-back'))
  t.equal(simulation.state.attempt, attempt)
})

t.test('while the baseline is sick nothing is measured', async (t) => {
  const simulation = await rollout(
    [LIMIT],
    (random, variant, ms) => ({
      outcome:
        ms > 5000 && (variant === 'baseline' || random() < 0.2)
          ? ('failed' as const)
          : ('ok' as const),
    }),
    {},
    ENDLESS,
  )
  t.ok(await simulation.run(20_000, (s) => s.phase === 'paused'))
  t.match(simulation.state, { pausedBy: 'baseline' })
  const before = named(simulation, 'errors').threshold!.counts
  await simulation.run(5000, () => false)
  t.same(named(simulation, 'errors').threshold!.counts, before)
})

t.test('case 19, a metric that failed: no further measurements in its step', async (t) => {
  const warning = { ...LIMIT, onFailure: 'warn', threshold: terms() } as const
  const simulation = await rollout([warning], failing(0.3), {}, ENDLESS)
  await simulation.run(12_000, () => false)
  t.match(named(simulation, 'errors'), {
    verdict: 'failed',
    threshold: { over: true, counts: { failed: 1, successful: 0, inconclusive: 0 } },
  })
  t.equal(simulation.state.phase, 'progressing')
})
