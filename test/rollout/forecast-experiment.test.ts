import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { betterId, buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import {
  forecastExperiment,
  type ExperimentTraffic,
} from '../../src/rollout/forecast-experiment.ts'
import type { Traffic } from '../../src/rollout/traffic.ts'
import { eventProofLogEvidence } from '../../src/statistics/event-evidence.ts'
import { drawBinomial } from '../../src/statistics/sampling.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const GIVEN: Traffic & ExperimentTraffic = {
  ...{ unitsPerSecond: 100, from: 'given', errorRate: null },
  ...{ evidence: null, exceedance: null },
}

const planOf = (metrics: readonly MetricSpec[], weightsBp = { b: 3000, c: 1000 }) =>
  buildExperimentPlan(threeWay(metrics, false, weightsBp), 'hash')!

t.test('each challenger has the traffic that is drawn for it and the baseline', (t) => {
  const plan = planOf([ERRORS, LATENCY, RMSE])
  const { comparisons, ...rest } = forecastExperiment(plan, GIVEN)
  t.match(rest, { unit: 'request', unitsPerSecond: 100, trafficFrom: 'given' })
  t.same(
    rest.baseline.map(({ name }) => name),
    ['errors', 'latency', 'rmse', 'rmse/above-cap'],
  )
  t.match(comparisons, [
    { variant: 'b', version: 'B', weightBp: 3000 },
    { variant: 'c', version: 'C', weightBp: 1000 },
  ])
  for (const [index, drawn] of [90, 70].entries()) {
    const alone = forecast(plan.comparisons[index]!.plan, { ...GIVEN, unitsPerSecond: drawn })
    const { p50Seconds, slowest, metrics } = comparisons[index]!
    const [step] = alone.steps
    t.same({ p50Seconds, slowest }, { p50Seconds: step!.p50Seconds, slowest: step!.slowest })
    t.same(
      metrics.map(({ prove, see }) => [prove, see]),
      step!.metrics.map(({ prove, see }) => [prove, see]),
    )
  }
  t.ok(comparisons[1]!.p50Seconds > comparisons[0]!.p50Seconds, 'less traffic takes longer')
  t.end()
})

t.test('a change is planned for in both directions, of every kind of metric', (t) => {
  const plan = planOf([ERRORS, LATENCY, RMSE, CONVERSION])
  const of = (regression: number | null) =>
    forecastExperiment(plan, GIVEN, regression).comparisons[0]!.metrics
  t.same(
    of(null).map(({ name, regression, improvement }) => [name, regression, improvement]),
    [
      ['errors', 1, 0.5],
      ['latency', 0.2, 0.2],
      ['rmse', 0.1, 0.1],
      ['rmse/above-cap', 1, 0.5],
      ['conversion', 0.1, 0.1],
    ],
    'what doubles in the one direction is halved in the other',
  )
  const [small, large] = [of(0.1), of(0.3)]
  for (const [index, { name, better }] of small.entries()) {
    if (name === 'rmse/above-cap') {
      t.equal(better, null, 'fewer values above a cap are no merit')
      continue
    }
    t.ok(better!.p50Seconds <= better!.p80Seconds)
    t.ok(large[index]!.better!.p50Seconds < better!.p50Seconds, `${name}: the larger, the sooner`)
  }
  t.end()
})

t.test('a challenger that is better is shown so in about the planned time', (t) => {
  const plan = planOf([CONVERSION], { b: 5000, c: 0 })
  const [metric] = forecastExperiment(plan, GIVEN, 0.3).comparisons[0]!.metrics
  const { hypotheses, spec } = plan.comparisons[0]!.plan
  const better = hypotheses.find((h) => h.id === betterId(hypotheses[0]!))!
  const goal = Math.log(1 / better.proof!.alpha)
  const units = Array.from({ length: 200 }, (_, run) => {
    const random = createRandom(run + 1)
    let [baseline, canary, trials] = [0, 0, 0]
    do {
      trials += 100
      const drawn = drawBinomial(random, 100, 0.5)
      canary += drawBinomial(random, drawn, 0.05 * 1.3)
      baseline += drawBinomial(random, 100 - drawn, 0.05)
    } while (eventProofLogEvidence(better, [{ pi: 0.5, baseline, canary, trials }]) < goal)
    return trials
  })
  const median = units.toSorted((a, b) => a - b)[100]!
  const waits = (CONVERSION.windowMs + spec.analysis.warmUpMs + spec.analysis.intervalMs) / 1000
  const planned = (metric!.better!.p50Seconds - waits) * 100
  t.ok(Math.abs(planned / median - 1) < 0.2, `planned ${planned}, found ${median}`)
  t.end()
})
