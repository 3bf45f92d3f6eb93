import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { plan } from '../fakes/rollout.ts'
import {
  ACCURACY,
  ERRORS,
  LATENCY,
  RMSE,
  rolloutSpec,
  service,
} from '../fakes/simulated-service.ts'

const hypotheses = (...metrics: MetricSpec[]) =>
  buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis)
const byId = (id: string, ...metrics: MetricSpec[]) =>
  hypotheses(...metrics).find((h) => h.id === id)!

t.test('a service without a rollout has no plan', (t) => {
  t.equal(buildPlan(service(null), 'hash'), null)
  t.end()
})

t.test('the rollback α is shared over the required hypotheses, capped ones counting twice', (t) => {
  const all = hypotheses(ERRORS, LATENCY, RMSE)
  t.same(
    all.map((h) => [h.id, h.required]),
    [
      ['errors', true],
      ['latency', true],
      ['rmse', true],
      ['rmse/above-cap', true],
      ['rmse/label-missing', false],
      ['no-answer', false],
      ['client-error', false],
    ],
  )
  for (const h of all.filter((each) => each.required)) t.equal(h.harm.alpha, 0.05 / 4)
  t.same(byId('no-answer', ERRORS).harm, { ratio: 1, alpha: 0.001 })
  t.same(byId('client-error', ERRORS).harm, { ratio: 1.5, alpha: 0.001, apart: 0.005 })
  t.equal(byId('rmse/label-missing', RMSE).onFailure, 'pause')
  const onlyShown = [
    { ...RMSE, mode: 'report' as const },
    { ...RMSE, onFailure: 'warn' as const },
  ]
  for (const metric of onlyShown) t.equal(byId('rmse/label-missing', metric).onFailure, 'warn')
  t.end()
})

t.test('a margin of 0 is proved within the sensitivity, and harm knows no floor', (t) => {
  t.same(byId('errors', ERRORS).harm, { ratio: 1, alpha: 0.05 })
  t.same(byId('errors', ERRORS).proof, { ratio: 1.5, floor: 0.02, alpha: 0.05 })
  t.equal(byId('errors', { ...ERRORS, maxChange: 0.2 }).proof!.ratio, 1.2)
  t.end()
})

t.test('5 % of RMSE are a ratio of 1.1025 of squared errors', (t) => {
  t.ok(Math.abs(byId('rmse', RMSE).harm.ratio - 1.1025) < 1e-12)
  t.ok(Math.abs(byId('rmse', RMSE).proof!.ratio - 1.1025) < 1e-12)
  t.match(byId('rmse/above-cap', RMSE), {
    harm: { ratio: 1.5 },
    proof: { ratio: 1.5, floor: 0.005 },
  })
  t.end()
})

t.test("a latency margin stands in the thresholds, not in the exceedances' ratio", (t) => {
  t.match(byId('latency', LATENCY), {
    harm: { ratio: 1 },
    proof: { ratio: 1, floor: 0 },
    source: { harmMargin: 0.1, proofMargin: 0.1 },
  })
  t.match(byId('latency', { ...LATENCY, maxChange: 0, sensitivity: 0.3 }).source, {
    harmMargin: 0,
    proofMargin: 0.3,
  })
  t.end()
})

t.test(
  'until when a latency goes is a part of its question, where it is not the last byte',
  (t) => {
    const first = { ...LATENCY, until: 'first-byte' } as const
    t.match(byId('latency', first).source, { of: 'latency', until: 'first-byte', quantile: 0.95 })
    t.notOk('until' in byId('latency', LATENCY).source)
    const of = (metric: MetricSpec) => plan({ analysis: { metrics: [metric] } })
    const [before, after] = [of(LATENCY), of(first)]
    t.not(before.fingerprint.analysis, after.fingerprint.analysis, 'another attempt')
    t.not(before.sharingKey, after.sharingKey, 'shares do not add up')
    t.match(before.fingerprint.analysis, ',0.95,', 'as versions before knew it')
    const limit = { maxChange: null, max: 5 }
    const limited = [LATENCY, first].map((each) => of({ ...each, ...limit }).fingerprint.analysis)
    t.not(limited[0], limited[1], 'also of a limit alone')
    t.end()
  },
)

t.test('metrics that warn or only report are shown and never required', (t) => {
  t.match(byId('errors', { ...ERRORS, onFailure: 'warn' }), { required: false, onFailure: 'warn' })
  t.match(byId('errors', { ...ERRORS, mode: 'report', onFailure: 'pause' }), {
    required: false,
    onFailure: 'warn',
  })
  t.end()
})

t.test(
  'a metric with an absolute limit alone is no hypothesis, but RMSE needs its errors booked',
  (t) => {
    t.same(hypotheses({ ...LATENCY, maxChange: null, max: 500 }), [])
    t.match(byId('rmse', { ...RMSE, maxChange: null, max: 4 }), {
      required: false,
      proof: null,
      harm: { alpha: 0 },
    })
    t.end()
  },
)

t.test('MAE and log-loss are capped means; accuracy is a share, and worse when it falls', (t) => {
  for (const kind of ['mae', 'log-loss'] as const) {
    const all = hypotheses({ ...RMSE, name: 'x', kind })
    t.same(
      all.map((h) => h.id),
      ['x', 'x/above-cap', 'x/label-missing'],
    )
    const score = kind === 'mae' ? 'absolute-error' : 'log-loss'
    t.match(all[0], { source: { score, cap: 25 }, harm: { ratio: 1.05 }, proof: { ratio: 1.05 } })
    t.match(all[1], { source: { of: 'above-cap', among: 'values' } })
  }
  const all = hypotheses(ACCURACY)
  t.same(
    all.map((h) => [h.id, h.better]),
    [
      ['accuracy', 'higher'],
      ['accuracy/label-missing', 'lower'],
    ],
  )
  t.match(all[0], {
    source: { score: 'correct', cap: 1 },
    harm: { ratio: 0.95, alpha: 0.05 },
    proof: { ratio: 0.95, floor: 0 },
  })
  t.match(byId('accuracy', { ...ACCURACY, maxChange: null, min: 0.9 }), {
    required: false,
    harm: { ratio: 0.95, alpha: 0 },
  })
  t.end()
})
