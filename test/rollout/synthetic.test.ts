import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import type { SyntheticTraffic } from '../../src/rollout/synthetic-traffic.ts'
import { rehearseSynthetic } from '../../src/rollout/synthetic.ts'
import { plan } from '../fakes/rollout.ts'
import {
  ACCURACY,
  BASKET,
  CLICKS,
  CONVERSION,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
  TOKENS,
  weightSteps,
} from '../fakes/simulated-service.ts'

const ALIKE: SyntheticTraffic = {
  requestsPerSecond: 100,
  failures: [0.01, 0.01],
  latencyRatio: 1,
  values: {},
  eventRates: {},
}

function ends(
  metrics: readonly MetricSpec[],
  traffic: Partial<SyntheticTraffic>,
  runs = 20,
  spec: Parameters<typeof plan>[0] = {},
) {
  const rules = plan({ ...spec, analysis: { metrics, ...spec.analysis } })
  const random = createRandom(5)
  return Array.from({ length: runs }, () =>
    rehearseSynthetic(rules, { ...ALIKE, ...traffic }, random),
  )
}

const count = (found: ReturnType<typeof ends>, end: string, reason?: string) =>
  found.filter((r) => r.end === end && (reason === undefined || r.reason === reason)).length

t.test(
  'A canary that is like the baseline is promoted, from the last step below 100 %.',
  async (t) => {
    const found = ends([ERRORS, LATENCY, RMSE], {})
    t.ok(count(found, 'promoted', 'evidence') >= 18, JSON.stringify(found))
    t.ok(found.every((r) => r.end !== 'promoted' || r.weightBp === 5000))
  },
)

t.test('A slower canary is so until the first byte as well.', async (t) => {
  const first = { ...LATENCY, name: 'first', until: 'first-byte' } as const
  const found = ends([ERRORS, first], { latencyRatio: 1.6 }, 5)
  t.equal(count(found, 'rolled-back', 'first'), 5, JSON.stringify(found))
})

t.test('A metric that nothing is said of is the same on both sides.', async (t) => {
  const conversion = { ...CONVERSION, maxChange: 0.5 }
  t.ok(count(ends([ACCURACY, LATENCY, RMSE, conversion], {}, 5), 'promoted') >= 4)
  const events = [REVENUE, BASKET, CLICKS].map((metric) => ({ ...metric, maxChange: 0.5 }))
  t.ok(count(ends(events, {}, 5), 'promoted') >= 4)
})

t.test('Each metric finds what it is for.', async (t) => {
  const cases: [MetricSpec, Partial<SyntheticTraffic>][] = [
    [ERRORS, { failures: [0.01, 0.04] }],
    [{ ...LATENCY, maxChange: 0 }, { latencyRatio: 1.4 }],
    [{ ...RMSE, cap: null }, { values: { rmse: [1, 1.3] } }],
    [{ ...RMSE, name: 'mae', kind: 'mae' }, { values: { mae: [2, 2.6] } }],
    [ACCURACY, { values: { accuracy: [0.9, 0.75] } }],
    [CONVERSION, { values: { conversion: [0.3, 0.1] } }],
    [REVENUE, { values: { revenue: [1, 0.5] }, eventRates: { revenue: 0.5 } }],
    [BASKET, { values: { basket: [1, 0.5] }, eventRates: { basket: 0.5 } }],
    [TOKENS, { values: { tokens: [1, 1.5] } }],
    [CLICKS, { values: { clicks: [0.5, 0.25] } }],
  ]
  for (const [metric, traffic] of cases) {
    const found = ends([metric], traffic)
    const by = found.filter((r) => r.reason.startsWith(metric.name))
    t.ok(
      by.length >= 19 && count(found, 'rolled-back') >= 19,
      `${metric.name} ${JSON.stringify(found)}`,
    )
  }
})

t.test('Totals, numbers of events and ratios take about the time that is planned.', async (t) => {
  const spec = { spec: { steps: weightSteps([50, 100], 1000) } }
  for (const metric of [REVENUE, BASKET, CLICKS]) {
    const { name } = metric
    const rates = new Map([[name, 0.3]])
    const given = { errorRate: null, evidence: null, exceedance: null, rates } as const
    const wide: MetricSpec = { ...metric, maxChange: 0.15 }
    const rules = plan({ ...spec, analysis: { metrics: [wide] } })
    const planned = forecast(rules, { unitsPerSecond: 100, from: 'given', ...given })
    const known = { values: { [name]: [0.3, 0.3] }, eventRates: { [name]: 0.3 } } as const
    const found = ends([wide], known, 60, spec)
    t.ok(count(found, 'promoted', 'evidence') >= 55, JSON.stringify(found))
    const seconds = found.map(({ afterMs }) => afterMs / 1000).sort((a, b) => a - b)
    const [median, expected] = [seconds[30]!, planned.p50Seconds]
    t.ok(median > expected * 0.7 && median < expected * 1.4, `${name}: ${median} of ${expected}`)
  }
})

t.test('Seconds without one event are evidence too.', async (t) => {
  const revenue: MetricSpec = { ...REVENUE, maxChange: 0.9 }
  const few = { requestsPerSecond: 10, eventRates: { revenue: 0.03 } }
  t.ok(count(ends([revenue], few, 5), 'promoted') >= 4)
})

t.test(
  'A cap that is not configured is learnt first, of totals from those of events.',
  async (t) => {
    const spec = { spec: { steps: weightSteps([50, 100], 1000) } }
    const revenue: MetricSpec = { ...REVENUE, maxChange: 0.4 }
    const known = { eventRates: { revenue: 0.5 } }
    const seconds = (metric: MetricSpec) => {
      const found = ends([metric], known, 20, spec).map(({ afterMs }) => afterMs / 1000)
      return found.sort((a, b) => a - b)[10]!
    }
    // 1,000 totals of the baseline, which has 50 units a second, of which half have the event.
    const learning = seconds({ ...revenue, cap: null } as MetricSpec) - seconds(revenue)
    t.ok(learning > 35 && learning < 55, `${learning}`)
  },
)

t.test(
  'A canary that fails half of the time is stopped by the breaker, whatever is measured.',
  async (t) => {
    const found = ends([RMSE], { failures: [0.01, 0.7] })
    t.equal(count(found, 'rolled-back'), 20)
    t.ok(count(found, 'rolled-back', 'breaker') > 0)
    t.ok(found.every((r) => r.afterMs < 60_000))
  },
)

t.test(
  'Approvals are given at once, timed pauses pass, a metric that pauses ends it.',
  async (t) => {
    const pauses: readonly StepSpec[] = [
      ...weightSteps([20]),
      { kind: 'pause', durationMs: null },
      { kind: 'pause', durationMs: 90_000 },
      ...weightSteps([50, 100]),
    ]
    const found = ends([ERRORS], {}, 5, { spec: { steps: pauses } })
    t.ok(count(found, 'promoted') >= 4)
    t.ok(found.every((r) => r.end !== 'promoted' || r.afterMs > 90_000))
    const paused = ends([{ ...ERRORS, onFailure: 'pause' }], { failures: [0.01, 0.05] }, 5)
    t.equal(count(paused, 'paused', 'errors'), 5)
    // Approved before anything else: nothing was ever seen by the canary.
    const first: readonly StepSpec[] = [
      { kind: 'pause', durationMs: 5000 },
      ...weightSteps([50, 100]),
    ]
    t.ok(count(ends([ERRORS], {}, 3, { spec: { steps: first } }), 'promoted') >= 2)
  },
)

t.test('What is not decided in time is inconclusive.', async (t) => {
  const found = ends([RMSE], {}, 3, { spec: { maxDurationMs: 20_000 } })
  t.strictSame(
    found.map(({ end, reason }) => [end, reason]),
    Array.from({ length: 3 }, () => ['inconclusive', 'max-duration']),
  )
  t.ok(found.every((r) => r.afterMs >= 20_000 && r.afterMs < 22_000))
})

t.test('The same seed gives the same rollouts.', async (t) => {
  const traffic: Partial<SyntheticTraffic> = { failures: [0.01, 0.015] }
  t.strictSame(ends([ERRORS], traffic, 5), ends([ERRORS], traffic, 5))
})

t.test('A segment is judged by its share, and takes as long as is planned.', async (t) => {
  const metrics = [{ ...ERRORS, segments: ['gold', 'silver'] }]
  const spec = { steps: weightSteps([50, 100], 50) }
  const p50 = (traffic: Partial<SyntheticTraffic>, of: readonly MetricSpec[] = metrics) => {
    const times = ends(of, traffic, 100, { spec }).flatMap((r) =>
      r.end === 'promoted' ? [r.afterMs / 1000] : [],
    )
    return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
  }
  const planned = (segmentShares: Readonly<Record<string, number>>) =>
    forecast(plan({ spec, analysis: { metrics } }), {
      ...{ unitsPerSecond: 200, from: 'given', errorRate: 0.01, segmentShares },
      ...{ evidence: null, exceedance: null },
    }).p50Seconds
  for (const segmentShares of [{}, { gold: 0.1, silver: 0.4 }, { gold: 0.5, silver: 0.5 }]) {
    const found = p50({ requestsPerSecond: 200, segmentShares })
    t.ok(Math.abs(found / planned(segmentShares) - 1) < 0.2, `${found} ${planned(segmentShares)}`)
  }
  t.ok(p50({ requestsPerSecond: 200 }) > 2 * p50({ requestsPerSecond: 200 }, [ERRORS]))
})

t.test('Of every kind the segments are drawn, and add up to the whole.', async (t) => {
  const metrics = [
    ERRORS,
    LATENCY,
    { ...RMSE, cap: null },
    CONVERSION,
    REVENUE,
    BASKET,
    CLICKS,
  ].map((metric) => ({ ...metric, maxChange: 0.8, segments: ['gold'] }))
  const found = ends(metrics, { requestsPerSecond: 400 }, 5)
  t.ok(count(found, 'promoted') >= 4, JSON.stringify(found))
  const worse = ends(metrics, { values: { revenue: [1, 0.05] }, requestsPerSecond: 400 }, 5)
  t.ok(worse.every((r) => r.end === 'rolled-back' && r.reason.startsWith('revenue')))
})

t.test('A total and a ratio of few events take as long as is planned.', async (t) => {
  const spec = { steps: weightSteps([50, 100], 50) }
  for (const metric of [REVENUE, CLICKS]) {
    const metrics = [{ ...metric, maxChange: 0.2 }]
    const found = ends(metrics, { requestsPerSecond: 500 }, 300, { spec })
      .flatMap((r) => (r.end === 'promoted' ? [r.afterMs / 1000] : []))
      .toSorted((a, b) => a - b)
    const { p50Seconds, p80Seconds } = forecast(plan({ spec, analysis: { metrics } }), {
      ...{ unitsPerSecond: 500, from: 'given', errorRate: null },
      ...{ evidence: null, exceedance: null },
    })
    for (const [share, planned] of [
      [0.5, p50Seconds],
      [0.8, p80Seconds],
    ] as const) {
      const taken = found[Math.floor(found.length * share)]!
      t.ok(Math.abs(planned / taken - 1) < 0.2, `${metric.name}: ${planned} and ${taken}`)
    }
  }
})
