import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { forecastExperimentWithAdvice } from '../../src/rollout/experiment-advice.ts'
import { forecastWithAdvice } from '../../src/rollout/suggestions.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { planOf } from '../fakes/rollout.ts'
import {
  CLICKS,
  CONVERSION,
  ERRORS,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'
import { createFakeDeps, fakeStatus, LOOPBACK } from './fake-deps.ts'

const PLAN = '/api/v1/services/credit-risk/plan'

t.test('A plan is shown in percent and seconds, never is null.', async (t) => {
  const steps = weightSteps([5, 100], 1000)
  const plan = planOf(
    service(rolloutSpec({ spec: { steps }, analysis: { metrics: [{ ...ERRORS, floor: 0 }] } })),
  )
  const app = createAdminServer(
    createFakeDeps({
      forecast: (_name, { rps, errorRate }, regression) =>
        forecastWithAdvice(
          plan,
          { unitsPerSecond: rps ?? 7, from: 'given', errorRate, evidence: null, exceedance: null },
          regression,
        ),
    }),
    LOOPBACK,
  )
  t.teardown(() => app.close())
  const response = await app.inject(`${PLAN}?rps=12.5&errorRate=0&regression=1`)
  t.equal(response.statusCode, 200)
  t.match(response.json(), {
    service: 'credit-risk',
    versions: { baseline: '1.4', canary: '2.0' },
    unit: 'request',
    unitsPerSecond: 12.5,
    trafficFrom: 'given',
    steps: [
      { index: 0, weight: 5, proves: true, p50Seconds: null, p80Seconds: null, slowest: 'errors' },
    ],
    p50Seconds: null,
    maxDurationSeconds: 3600,
    fits: false,
  })
  t.ok(response.json().suggestions.length > 0)
  t.equal((await app.inject(PLAN)).json().unitsPerSecond, 7, 'without rps: as observed')
})

t.test('Rates of the baseline are given by the names of their metrics.', async (t) => {
  const spec = rolloutSpec({ analysis: { metrics: [ERRORS, CONVERSION, CLICKS] } })
  const shop = { ...fakeStatus(), service: { ...service(spec), name: 'shop' } }
  const plan = planOf(shop.service)
  const traffic = { unitsPerSecond: 7, from: 'given', evidence: null, exceedance: null } as const
  const app = createAdminServer(
    createFakeDeps({
      services: () => [shop],
      forecast: (_name, { rates }, regression) =>
        forecastWithAdvice(plan, { ...traffic, errorRate: null, rates }, regression),
    }),
    LOOPBACK,
  )
  t.teardown(() => app.close())
  const ask = async (rates: string) =>
    (await app.inject(`/api/v1/services/shop/plan?rates=${rates}`)).json()
  t.match((await ask('conversion:0.3,clicks:.25')).baseline, [
    { name: 'errors', value: 0.01, from: 'assumed' },
    { name: 'conversion', value: 0.3, from: 'given' },
    { name: 'clicks', value: 0.25, from: 'given' },
  ])
  for (const rates of ['', 'conversion', 'conversion:30', 'conversion:0.0', 'conversion:0.3,']) {
    const { status, detail } = await ask(rates)
    t.equal(status, 400)
    t.match(detail, /^rates is ".*"; send names and shares, above 0 and below 1/)
  }
  t.match(
    (await ask('errors:0.3')).detail,
    /^rates: errors is no metric of kind .*conversion, clicks/,
  )
})

t.test(
  'Shares of segments are given by their names, and the slowest segment is told.',
  async (t) => {
    const segments = ['gold', 'a,b']
    const spec = rolloutSpec({ analysis: { metrics: [{ ...ERRORS, segments }] } })
    const shop = { ...fakeStatus(), service: { ...service(spec), name: 'shop' } }
    const plan = planOf(shop.service)
    const traffic = {
      unitsPerSecond: 100,
      from: 'given',
      evidence: null,
      exceedance: null,
    } as const
    const asked: unknown[] = []
    const app = createAdminServer(
      createFakeDeps({
        services: () => [shop],
        forecast: (_name, { shares }, regression) => {
          asked.push(shares)
          const given = { ...traffic, errorRate: null, segmentShares: shares }
          return forecastWithAdvice(plan, given, regression)
        },
      }),
      LOOPBACK,
    )
    t.teardown(() => app.close())
    const ask = async (text: string) =>
      (await app.inject(`/api/v1/services/shop/plan?segments=${encodeURIComponent(text)}`)).json()
    const slowestOf = async (text: string) =>
      (await ask(text)).steps.find((step: { proves: boolean }) => step.proves).slowest
    t.equal(await slowestOf('gold:0.01,a,b:.2'), 'errors@gold')
    t.same(asked.splice(0), [{ gold: 0.01, 'a,b': 0.2 }])
    t.equal(await slowestOf('a,b:0.01'), 'errors@a,b')
    for (const text of ['', 'gold', 'gold:10', 'gold:0.0', 'gold:0.3,']) {
      const { status, detail } = await ask(text)
      t.equal(status, 400)
      t.match(detail, /^segments is ".*"; send names and shares, .* as in gold:0\.1,silver:0\.2/)
    }
    t.match((await ask('bronze:0.3')).detail, /^segments: no metric is judged by segment bronze/)
    t.match((await ask('gold:0.6,a,b:0.5')).detail, /^segments: .* are more than 100 %/)
  },
)

t.test('An experiment is planned challenger by challenger, with the same questions.', async (t) => {
  const compared = threeWay([ERRORS, CONVERSION], true, { b: 3000, c: 1050 })
  const plan = buildExperimentPlan(compared, 'hash')!
  const traffic = { from: 'observed', evidence: null, exceedance: null } as const
  let isThere = true
  const app = createAdminServer(
    createFakeDeps({
      services: () => [{ ...fakeStatus(null), service: compared }],
      forecastExperiment: (name, { rps, errorRate, rates }, regression) => {
        t.equal(name, 'svc')
        if (!isThere) return null
        const given = { unitsPerSecond: rps ?? 7, errorRate, rates, ...traffic }
        return forecastExperimentWithAdvice(plan, given, regression)
      },
    }),
    LOOPBACK,
  )
  t.teardown(() => app.close())
  const ask = async (query = '') => (await app.inject(`/api/v1/services/svc/plan${query}`)).json()
  const found = await ask('?rps=50&errorRate=0&rates=conversion:0.3&regression=0.2')
  t.match(found, {
    ...{ service: 'svc', strategy: 'fixed', baselineVersion: compared.variants[0]!.version },
    ...{ unit: 'key', unitsPerSecond: 50, trafficFrom: 'observed' },
    baseline: [
      { name: 'errors', value: 0, from: 'given' },
      { name: 'conversion', value: 0.3, from: 'given' },
    ],
    comparisons: [
      { variant: 'b', version: 'B', weight: 30, slowest: 'conversion' },
      { variant: 'c', version: 'C', weight: 10.5, slowest: 'conversion' },
    ],
  })
  const [errors] = found.comparisons[0].metrics
  t.match(errors, { name: 'errors', regression: 0.2, improvement: 0.2 })
  t.same(errors.see, { p50Seconds: null, p80Seconds: null }, 'never is null')
  t.equal((await ask()).unitsPerSecond, 7, 'without rps: as observed')
  t.match((await ask('?rates=errors:0.3')).detail, /^rates: errors is no metric of kind /)
  isThere = false
  t.match(
    (await ask()).detail,
    'svc has no traffic to reckon with: new keys are counted while the weights of the configuration hold, and none were. Give it, in new keys per second (rps=100;',
  )
})

t.test('What cannot be planned is a problem that says what would be right.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  const problem = async (path: string) => {
    const response = await app.inject(path)
    const { code, detail } = response.json()
    return `${response.statusCode} ${code} ${detail}`
  }
  t.match(await problem(PLAN), /^400 SERIN_BAD_REQUEST credit-risk has no traffic .*rps=100/)
  for (const rps of ['', 'x', '-1', '1e3', '1&rps=2', '9999999999'])
    t.match(await problem(`${PLAN}?rps=${rps}`), /^400 .* rps is .*; send a number above 0/)
  t.match(await problem(`${PLAN}?rps=0`), /^400 .* rps is "0"; send a number above 0/)
  t.match(await problem(`${PLAN}?rps=1&errorRate=2`), /^400 .* errorRate is "2"/)
  t.match(await problem(`${PLAN}?rsp=1`), /^400 .*unknown query parameter "rsp"; known: rps/)
  t.match(
    await problem('/api/v1/services/fixed/plan?rps=1'),
    /^409 SERIN_REFUSED fixed has no rollout, and no variants that are compared/,
  )
  t.match(await problem('/api/v1/services/x/plan?rps=1'), /^404 SERIN_UNKNOWN_SERVICE/)
})
