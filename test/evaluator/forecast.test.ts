import t from 'tap'
import { simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { CONVERSION, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const NOTHING_GIVEN = { rps: null, errorRate: null }

/** 4 % failures on both sides. */
const fate = (random: () => number) => ({
  outcome: random() < 0.04 ? ('failed' as const) : ('ok' as const),
  latencyMs: 20 * (1 + random()),
})

const about = (value: number, wanted: number) => Math.abs(value / wanted - 1) < 0.1

t.test(
  'A forecast reckons with the traffic that is there, from its first seconds on.',
  async (t) => {
    const metrics = [ERRORS, LATENCY, { ...RMSE, cap: 20 }]
    const simulation = await simulate(1, 0, fate, metrics)
    const ask = (given = {}) =>
      simulation.evaluator.forecast('svc', { ...NOTHING_GIVEN, ...given }, null)
    t.equal(ask(), null, 'nobody came')
    t.match(ask({ rps: 70 })!.forecast, {
      unitsPerSecond: 70,
      trafficFrom: 'given',
      baseline: [{ from: 'assumed' }, { from: 'assumed' }, { from: 'assumed' }],
    })
    await simulation.run(12_000, () => false)
    const { forecast } = ask()!
    t.equal(forecast.trafficFrom, 'observed')
    t.ok(about(forecast.unitsPerSecond, 3000), `${forecast.unitsPerSecond} of 3000 a second`)
    const [errors, latency, rmse] = forecast.baseline
    t.match(
      [errors, latency, rmse],
      [{ from: 'observed' }, { text: 'as its answers' }, { from: 'observed' }],
    )
    t.ok(about(errors!.value!, 0.04))
    t.ok(about(rmse!.value!, 3))
    t.match(ask({ errorRate: 0.2 })!.forecast.baseline[0], { value: 0.2, from: 'given' })
  },
)

t.test('What is given of a metric is said to be.', async (t) => {
  const simulation = await simulate(1, 0, fate, [ERRORS, CONVERSION])
  const given = { rps: 70, errorRate: null, rates: new Map([['conversion', 0.3]]) }
  t.match(simulation.evaluator.forecast('svc', given, null)!.forecast.baseline, [
    { from: 'assumed' },
    { value: 0.3, from: 'given' },
  ])
})

t.test(
  'With a key those who are new are counted, which stops when nothing is drawn.',
  async (t) => {
    const simulation = await simulate(1, 9000, fate, [ERRORS])
    const ask = () => simulation.evaluator.forecast('svc', NOTHING_GIVEN, null)
    t.equal(ask(), null)
    await simulation.run(5000, () => false)
    t.equal(simulation.state.phase, 'progressing')
    const { unit, unitsPerSecond } = ask()!.forecast
    t.equal(unit, 'key')
    t.ok(
      unitsPerSecond > 300 && unitsPerSecond < 1500,
      `${unitsPerSecond} new keys of 9,000 a second`,
    )
    await simulation.evaluator.command('svc', command('abort'), null)
    t.equal(ask(), null)
  },
)

t.test('A service without a rollout has no forecast.', async (t) => {
  const simulation = await simulate(1, 0, fate, [ERRORS])
  t.equal(simulation.evaluator.forecast('other', { rps: 5, errorRate: null }, null), null)
})
