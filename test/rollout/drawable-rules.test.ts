import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { drawableRules, whyUnchangeable } from '../../src/rollout/drawable-rules.ts'
import { rehearseSynthetic } from '../../src/rollout/synthetic.ts'
import { GPU, SCORE, terms } from '../fakes/measurements.ts'
import { plan } from '../fakes/rollout.ts'
import {
  ACCURACY,
  CLICKS,
  CONVERSION,
  DRIFT,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
} from '../fakes/simulated-service.ts'

const rules = (metrics: readonly MetricSpec[]) => plan({ analysis: { metrics } })
const leftOut = (metrics: readonly MetricSpec[]) =>
  drawableRules(rules(metrics)).leftOut.map(({ metric, what }) => `${metric}: ${what}`)

t.test('What cannot be drawn is left out, and said so metric by metric.', (t) => {
  t.strictSame(
    leftOut([
      { ...ERRORS, segments: ['gold'], max: 0.05 },
      { ...LATENCY, max: 500 },
      { ...RMSE, segments: ['gold'], max: 4 },
      { ...ACCURACY, min: 0.8 },
      { ...DRIFT },
      GPU,
      SCORE,
      { ...ERRORS, name: 'counted', threshold: terms() },
    ]),
    [
      'latency: its limit',
      'rmse: its limit',
      'drift: kind: drift',
      'gpu: kind: prometheus',
      'score: kind: http',
      'counted: method: threshold',
    ],
  )
  t.strictSame(leftOut([ERRORS, LATENCY, RMSE, ACCURACY]), [])
  const limited = { ...ERRORS, name: 'limited', maxChange: null, max: 0.05 }
  t.strictSame(leftOut([RMSE, limited]), ['limited: its limit'])
  t.match(drawableRules(rules([RMSE, limited])).plan.metrics[1], { name: 'limited', max: null })
  t.strictSame(leftOut([ERRORS, limited]), [], 'failures that are compared are counted')
  t.end()
})

t.test('A promotion waits for what is measured, and for values of what only warns.', (t) => {
  const warning = { threshold: terms(), mode: 'decide', onFailure: 'warn' } as const
  const { leftOut: found } = drawableRules(
    rules([
      { ...ERRORS, ...warning, name: 'warned' },
      { ...ACCURACY, ...warning },
      { ...RMSE, ...warning, mode: 'report' },
      { ...ERRORS, ...warning, name: 'counted', onFailure: 'pause' },
    ]),
  )
  t.strictSame(
    found.filter(({ decides }) => decides).map(({ metric }) => metric),
    ['accuracy', 'counted'],
  )
  t.end()
})

t.test('A change can be drawn of values that something is decided by.', (t) => {
  const limited = { maxChange: null, max: 4 }
  const why = [
    ...[ERRORS, LATENCY, RMSE, ACCURACY, CONVERSION],
    { ...ACCURACY, maxChange: null, min: 0.8 },
    ...[
      { ...LATENCY, ...limited },
      { ...RMSE, ...limited },
    ],
    ...[REVENUE, CLICKS, { ...REVENUE, ...limited }, GPU, { ...CONVERSION, threshold: terms() }],
  ].map(whyUnchangeable)
  t.strictSame(why, [
    ...[null, null, null, null, null, null],
    ...['its limit', 'its limit'],
    ...[null, null, 'its limit', 'kind: prometheus', 'method: threshold'],
  ])
  t.end()
})

t.test('The rest keeps its hypotheses and their share of α.', (t) => {
  const whole = rules([{ ...ERRORS, segments: ['gold'] }, DRIFT, { ...RMSE, threshold: terms() }])
  const { plan: drawn } = drawableRules(whole)
  t.strictSame(
    drawn.hypotheses.map((h) => [h.id, h.harm.alpha]),
    [
      ['errors', 0.05 / 2],
      ['errors@gold', 0.05 / 2],
      ['no-answer', 0.001],
      ['client-error', 0.001],
    ],
  )
  t.strictSame(
    drawn.metrics.map((m) => m.name),
    ['errors'],
  )
  t.end()
})

t.test('A rollout that nothing measures elsewhere is decided by the rest.', (t) => {
  const metrics = [ERRORS, { ...DRIFT, onFailure: 'rollback' as const }, GPU]
  const counted = { ...RMSE, threshold: terms() }
  const traffic = {
    ...{ requestsPerSecond: 100, failures: [0.01, 0.01] as const, latencyRatio: 1 },
    ...{ values: {}, eventRates: {} },
  }
  const random = createRandom(5)
  const ends = Array.from({ length: 10 }, () =>
    rehearseSynthetic(rules([...metrics, counted]), traffic, random),
  )
  t.ok(ends.filter((e) => e.end === 'promoted').length >= 8, JSON.stringify(ends))
  t.end()
})
