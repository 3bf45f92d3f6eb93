import t from 'tap'
import { forecastExperiment } from '../../src/rollout/forecast-experiment.ts'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { command } from '../fakes/rollout.ts'
import { CONVERSION, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const NOTHING_GIVEN = { rps: null, errorRate: null }
const SPLIT = { b: 3000, c: 1000 }

/** 4 % failures and an event of three in ten, whatever the variant. */
const ALIKE: Fate = (_variant, random) => ({
  outcome: random() < 0.04 ? 'failed' : 'ok',
  ms: 20 * (1 + random()),
  error: 3 * (random() - random()),
  events: random() < 0.3 ? [{ name: 'purchase', value: null, values: null }] : [],
})

const about = (value: number, wanted: number) => Math.abs(value / wanted - 1) < 0.1

t.test('a running experiment is planned with the traffic and the figures of now', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS, LATENCY, RMSE], false, SPLIT))
  const ask = (given = {}) =>
    world.evaluator.forecastExperiment('svc', { ...NOTHING_GIVEN, ...given }, null)
  t.equal(ask(), null, 'nobody came')
  t.match(ask({ rps: 70 })!.forecast, {
    unitsPerSecond: 70,
    trafficFrom: 'given',
    baseline: [{ from: 'assumed' }, { from: 'assumed' }, { from: 'assumed' }, { from: 'assumed' }],
  })
  await world.run(12, ALIKE, 200)
  t.ok(
    about(ask()!.forecast.unitsPerSecond, 200),
    `${ask()!.forecast.unitsPerSecond} of 200 in the first seconds`,
  )
  await world.run(40, ALIKE, 1000)
  const found = ask()!.forecast
  t.equal(found.trafficFrom, 'observed')
  t.ok(found.unitsPerSecond > 700 && found.unitsPerSecond < 1000, `${found.unitsPerSecond}`)
  t.match(found.baseline, [
    { name: 'errors', from: 'observed' },
    { name: 'latency', text: 'as its answers', from: 'observed' },
    { name: 'rmse', from: 'observed' },
    { name: 'rmse/above-cap', from: 'observed' },
  ])
  t.ok(about(found.baseline[0]!.value!, 0.04), `${found.baseline[0]!.value}`)
  t.ok(about(found.baseline[2]!.value!, Math.sqrt(1.5)), `${found.baseline[2]!.value}`)
  t.match(ask({ errorRate: 0.2 })!.forecast.baseline[0], { value: 0.2, from: 'given' })
  t.match(found.comparisons, [{ variant: 'b' }, { variant: 'c' }])
  t.ok(found.comparisons[1]!.p50Seconds > found.comparisons[0]!.p50Seconds)
})

t.test('it is the plan of its file at the same figures', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS, CONVERSION], false, SPLIT))
  await world.run(60, ALIKE, 400)
  const found = world.evaluator.forecastExperiment('svc', NOTHING_GIVEN, 0.2)!.forecast
  const [errors, conversion] = found.baseline
  const { comparisons } = forecastExperiment(
    world.experiment.plan,
    {
      ...{ unitsPerSecond: found.unitsPerSecond, from: 'given', errorRate: errors!.value },
      rates: new Map([['conversion', conversion!.value!]]),
      ...{ evidence: null, exceedance: null },
    },
    0.2,
  )
  t.ok(about(conversion!.value!, 0.3), `${conversion!.value}`)
  t.same(found.comparisons, comparisons)
})

t.test('with a key, new keys are counted while the split is drawn', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS], true, SPLIT))
  const ask = () => world.evaluator.forecastExperiment('svc', NOTHING_GIVEN, null)
  t.equal(ask(), null)
  await world.run(30, ALIKE, 200)
  t.equal(ask()!.forecast.unit, 'key')
  t.ok(about(ask()!.forecast.unitsPerSecond, 200), `${ask()!.forecast.unitsPerSecond} of 200`)
  await world.evaluator.command('svc', command('promote', { variant: 'b' }), null)
  t.equal(ask(), null, 'one has all of the traffic')
  await world.evaluator.command('svc', command('undo'), null)
  await world.run(30, ALIKE, 200)
  t.ok(
    about(ask()!.forecast.unitsPerSecond, 200),
    `${ask()!.forecast.unitsPerSecond} of 200, again`,
  )
  await world.restart()
  t.type(ask()?.forecast.unitsPerSecond, 'number', 'as on average, until there is a pace')
})

t.test('requests are counted under a winner, too', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS], false, SPLIT))
  await world.evaluator.command('svc', command('promote', { variant: 'b' }), null)
  await world.run(90, ALIKE, 100)
  const { forecast } = world.evaluator.forecastExperiment('svc', NOTHING_GIVEN, null)!
  t.ok(about(forecast.unitsPerSecond, 100), `${forecast.unitsPerSecond} of 100`)
})

t.test('where nothing is compared there is no forecast', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS], false, { b: 10_000, c: 0 }))
  const given = { rps: 5, errorRate: null }
  t.equal(world.evaluator.forecastExperiment('svc', given, null), null, 'the baseline gets nothing')
  t.equal(world.evaluator.forecastExperiment('other', given, null), null)
})
