import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { CONVERSION, ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'

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

t.test('A latency is expected to lie as those do that end like it.', async (t) => {
  // First bytes that are much alike, of answers that are not.
  const streamed = (random: () => number) => ({
    firstByteMs: 10 * (1 + random() / 5),
    latencyMs: 20 * (1 + 50 * random() ** 4),
  })
  const seconds = async (metric: MetricSpec) => {
    const simulation = await simulate(1, 0, streamed, [metric])
    await simulation.run(12_000, () => false)
    return simulation.evaluator.forecast('svc', { rps: 10, errorRate: null }, null)!.forecast
      .p80Seconds
  }
  const [last, first] = [await seconds(LATENCY), await seconds({ ...LATENCY, until: 'first-byte' })]
  t.ok(first < last / 2, `${first} s and ${last} s`)
})

t.test('Shares of segments are as given, whatever was seen.', async (t) => {
  const segments = ['gold', 'silver']
  const simulation = await simulate(1, 0, fate, [{ ...ERRORS, segments }])
  const seconds = (shares?: Record<string, number>) => {
    const given = { rps: 100, errorRate: null, shares }
    return simulation.evaluator.forecast('svc', given, null)!.forecast.p80Seconds
  }
  t.ok(seconds({ gold: 0.01 }) > 5 * seconds())
})

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

const slowService = (isKeyed = false) =>
  quickService({ spec: { steps: weightSteps([20, 100], 1_000_000) } }, isKeyed)

t.test('What a rule sends to a variant is no traffic to reckon with.', async (t) => {
  const simulation = await simulate(1, 0, fate, [ERRORS], { service: slowService(), rps: 100 })
  const ask = () => simulation.evaluator.forecast('svc', NOTHING_GIVEN, null)!.forecast
  const toBaseline: Assignment = {
    variant: 'baseline',
    reason: 'rule',
    unit: null,
    suppressed: false,
    keyMissing: false,
    overrideRefused: false,
  }
  const run = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      for (let ruled = 0; ruled < 300; ruled++) {
        const ticket = simulation.book.begin(toBaseline, `ruled ${i} ${ruled}`)
        simulation.book.end(ticket, 'ok', 200, 5)
      }
      await simulation.run(1000, () => false)
    }
  }
  await run(8)
  const early = ask().unitsPerSecond
  t.ok(early > 80 && early < 120, `${early} while nothing is folded yet`)
  await run(60)
  t.equal(simulation.state.phase, 'progressing')
  t.ok(about(ask().unitsPerSecond, 100), `${ask().unitsPerSecond} of 100 drawn, and 300 ruled`)
  await simulation.evaluator.command('svc', command('abort'), null)
  await run(60)
  t.ok(about(ask().unitsPerSecond, 100), `${ask().unitsPerSecond} after the rollout`)
})

t.test('A time without traffic is no part of it, and it is remembered over that.', async (t) => {
  for (const keys of [0, 1e9]) {
    const day = { rps: 200 }
    const changes = {
      service: slowService(keys > 0),
      get rps() {
        return day.rps
      },
    }
    const simulation = await simulate(1, keys, fate, [ERRORS], changes)
    const ask = () => simulation.evaluator.forecast('svc', NOTHING_GIVEN, null)?.forecast
    await simulation.run(60_000, () => false)
    day.rps = 0
    // Four times as long as any traffic is reckoned with.
    await simulation.run(20 * 60_000, () => false)
    t.ok(about(ask()!.unitsPerSecond, 200), `${ask()!.unitsPerSecond} of ${keys} keys, idle`)
    day.rps = 200
    await simulation.run(30_000, () => false)
    t.ok(about(ask()!.unitsPerSecond, 200), `${ask()!.unitsPerSecond} of ${keys} keys`)
  }
})

t.test('A service without a rollout has no forecast.', async (t) => {
  const simulation = await simulate(1, 0, fate, [ERRORS])
  t.equal(simulation.evaluator.forecast('other', { rps: 5, errorRate: null }, null), null)
})
