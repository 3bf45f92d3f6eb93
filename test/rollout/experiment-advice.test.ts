import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import {
  describeExperimentSuggestion,
  forecastExperimentWithAdvice,
} from '../../src/rollout/experiment-advice.ts'
import {
  buildExperimentPlan,
  withComparedMetric,
  withWeights,
} from '../../src/rollout/experiment-plan.ts'
import {
  forecastExperiment,
  type ExperimentTraffic,
} from '../../src/rollout/forecast-experiment.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const GIVEN: ExperimentTraffic = {
  ...{ unitsPerSecond: 100, from: 'given', errorRate: null },
  ...{ evidence: null, exceedance: null },
}

const FAILURES = { ...ERRORS, floor: 0.001 }

const planOf = (metrics: readonly MetricSpec[], weightsBp = { b: 1000, c: 0 }) =>
  buildExperimentPlan(threeWay(metrics, false, weightsBp), 'hash')!

const adviceOf = (metrics: readonly MetricSpec[], weightsBp?: { b: number; c: number }) =>
  forecastExperimentWithAdvice(planOf(metrics, weightsBp), GIVEN, null)

const slowest = (plan: ReturnType<typeof planOf>, traffic = GIVEN) =>
  Math.max(...forecastExperiment(plan, traffic).comparisons.map((c) => c.p80Seconds))

t.test('each suggestion alone halves the time, and is the least that does', (t) => {
  const plan = planOf([FAILURES, LATENCY])
  const { forecast, suggestions } = adviceOf([FAILURES, LATENCY])
  const half = forecast.comparisons[0]!.p80Seconds / 2
  t.equal(forecast.comparisons[0]!.slowest, 'errors')
  t.same(
    suggestions.map(({ change }) => change),
    ['weight', 'sensitivity', 'floor', 'report'],
  )
  for (const suggestion of suggestions) {
    if (suggestion.change === 'weight') {
      const at = (b: number) => slowest(withWeights(plan, { baseline: 10_000 - b, b, c: 0 }))
      t.ok(at(suggestion.weightBp) <= half)
      t.ok(at(suggestion.weightBp - 100) > half)
      t.equal(
        at(suggestion.weightBp),
        slowest(planOf([FAILURES, LATENCY], { b: suggestion.weightBp, c: 0 })),
        'as if the file had it',
      )
    } else if (suggestion.change === 'sensitivity') {
      const at = (sensitivity: number) => slowest(planOf([{ ...FAILURES, sensitivity }, LATENCY]))
      t.ok(at(suggestion.value) <= half)
      t.ok(at(suggestion.value - 0.005) > half)
    }
  }
  t.match(suggestions.map(describeExperimentSuggestion), [
    /^give b a weight of \d+ %, at the cost of the baseline$/,
    /^widen sensitivity of errors to \d/,
    /^widen floor of errors to \d/,
    'let errors only report (mode: report)',
  ])
  t.end()
})

t.test('a window and a cap are changed where they take longest', (t) => {
  const { forecast, suggestions } = adviceOf([
    { ...CONVERSION, windowMs: 36_000_000, maxChange: 0.2 },
  ])
  t.equal(forecast.comparisons[0]!.slowest, 'window of conversion (10h)')
  t.match(suggestions.map(describeExperimentSuggestion), ['shorten window of conversion to 4h'])
  const taught = { ...RMSE, cap: null, minLabels: 100_000, labelWindowMs: 1000, maxChange: 0.3 }
  const learning = adviceOf([taught])
  t.equal(learning.forecast.comparisons[0]!.slowest, 'learning the cap of rmse')
  t.match(learning.suggestions, [{ change: 'cap', metric: 'rmse' }])
  t.end()
})

t.test('what is of no use is not suggested, nor what would leave nothing to decide', (t) => {
  // At equal shares there is no better weight.
  const { suggestions } = adviceOf([FAILURES], { b: 5000, c: 0 })
  t.notOk(suggestions.some(({ change }) => change === 'weight' || change === 'report'))
  const report = { ...FAILURES, mode: 'report' } as const
  const silent = adviceOf([report])
  t.same(silent.suggestions, [])
  t.match(silent.forecast.comparisons, [
    { p50Seconds: Infinity, p80Seconds: Infinity, slowest: null, metrics: [] },
  ])
  t.same(silent.forecast.baseline, [])
  t.end()
})

t.test('an experiment that never ends is told with what it would', (t) => {
  const plan = planOf([{ ...FAILURES, floor: 0 }, LATENCY])
  const never = forecastExperimentWithAdvice(plan, { ...GIVEN, errorRate: 0 }, null)
  t.equal(never.forecast.comparisons[0]!.p80Seconds, Infinity)
  t.match(never.suggestions.map(describeExperimentSuggestion), [
    /^widen floor of errors to 0.1 %$/,
    'let errors only report (mode: report)',
  ])
  t.end()
})

t.test('a metric that is changed goes on sharing α with those of the other challengers', (t) => {
  const metrics = [FAILURES, LATENCY]
  const plan = planOf(metrics, { b: 3000, c: 3000 })
  const [b] = plan.comparisons
  t.same(withComparedMetric(b!.plan, 'errors', {}).hypotheses, b!.plan.hypotheses)
  const alone = planOf([FAILURES], { b: 3000, c: 3000 }).comparisons[0]!.plan
  const reported = withComparedMetric(b!.plan, 'latency', { mode: 'report' })
  t.same(
    reported.hypotheses.find(({ id }) => id === 'errors'),
    alone.hypotheses.find(({ id }) => id === 'errors'),
    'of fewer required ones each has more of it',
  )
  t.end()
})

t.test('minimums are those of steps: a verdict waits for its evidence alone', (t) => {
  const wide = { ...RMSE, cap: 10, maxChange: 0.5, labelWindowMs: 1000 }
  const few = slowest(planOf([{ ...wide, minLabels: 1 }]))
  t.equal(slowest(planOf([{ ...wide, minLabels: 1_000_000 }])), few)
  t.end()
})
