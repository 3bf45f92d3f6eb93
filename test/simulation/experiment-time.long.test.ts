import t from 'tap'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS } from '../fakes/simulated-service.ts'

const SERVICE = threeWay([ERRORS, { ...CONVERSION, windowMs: 5000, maxChange: 0.2 }], false, {
  b: 4000,
  c: 0,
})
const RUNS = 100

const alike: Fate = (_variant, random) => ({
  outcome: random() < 0.05 ? 'failed' : 'ok',
  events: random() < 0.3 ? [{ name: 'purchase', value: null, values: null }] : [],
})

const secondsUntilKnown = async (seed: number) => {
  const world = await ExperimentWorld.begin(SERVICE, undefined, seed)
  const begun = world.clock.ms
  while (world.view.comparisons[0]!.verdict === 'unknown') await world.run(1, alike, 200)
  return (world.clock.ms - begun) / 1000
}

t.test(
  'what the plan of a running experiment says is what experiments like it take, with books and store',
  async (t) => {
    const world = await ExperimentWorld.begin(SERVICE)
    await world.run(120, alike, 200)
    const given = { rps: null, errorRate: null }
    const { forecast } = world.evaluator.forecastExperiment('svc', given, null)!
    t.match(forecast.baseline, [{ from: 'observed' }, { from: 'observed' }])
    const times: number[] = []
    for (let seed = 1; seed <= RUNS; seed++) times.push(await secondsUntilKnown(seed))
    times.sort((a, b) => a - b)
    const [p50, p80] = [times[RUNS / 2]!, times[RUNS * 0.8]!]
    const { p50Seconds, p80Seconds } = forecast.comparisons[0]!
    t.ok(Math.abs(p50Seconds / p50 - 1) < 0.2, `${p50Seconds} s for ${p50} s`)
    t.ok(Math.abs(p80Seconds / p80 - 1) < 0.2, `${p80Seconds} s for ${p80} s`)
  },
)
