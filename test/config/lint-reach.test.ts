import t, { type Test } from 'tap'
import { file, warningsOf } from './problems-of.ts'

const METRICS = `errors: { kind: error-rate, maxIncrease: 0%, max: 5% },
        p95: { kind: latency, quantile: 0.95, maxIncrease: 10% },
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }`
const STEPS = '{ mirror: 100% }, { weight: 5% }, { pause: {} }, { weight: 100% }'

/** A sound service with parts replaced, and all that is warned of it. */
function about(found: string, replacement: string): readonly string[] {
  const sound = file({
    service: `    idempotent: true
    observe: { prediction: body:/p }
    rollout: { steps: [ ${STEPS} ], watch: 30m, holdback: 1%, maxDuration: 24h }
    analysis:
      interval: 2s
      warmUp: 30s
      minRequests: 1000
      alpha: { rollback: 0.05, promote: 0.05 }
      metrics: { ${METRICS} }`,
  })
  if (!sound.includes(found)) throw new Error(`the file has no ${found}`)
  return warningsOf(sound.replace(found, replacement)).map((warning) =>
    warning.replace(/^f:\d+:\d+: services\.m\./, ''),
  )
}

function checkAll(t: Test, cases: readonly (readonly [string, string, RegExp | null])[]): void {
  for (const [found, replacement, said] of cases)
    t.match(about(found, replacement), said === null ? [] : [said], replacement)
}

t.test('times and odds that no rollout comes to are warned about', (t) => {
  checkAll(t, [
    ['2s', '2s', null],
    ['interval: 2s', 'interval: 1m', null],
    [
      'interval: 2s',
      'interval: 1h',
      /^analysis.interval: the evidence is looked at once in 1h: .* lasts as long at least; such as 2s$/,
    ],
    ['interval: 2s', 'interval: 250ms', null],
    ['interval: 2s', 'interval: 1ms', /^analysis.interval: is shorter than 250ms/],
    [
      'warmUp: 30s',
      'warmUp: 24h',
      /^analysis.warmUp: nothing is judged for 1d, and maxDuration is 1d: no step is ever left/,
    ],
    ['rollback: 0.05', 'rollback: 0.5', null],
    [
      'rollback: 0.05',
      'rollback: 0.99',
      /^analysis.alpha.rollback: a canary that is no worse is rolled back with a probability of up to 0.99; 0.05 is usual$/,
    ],
    [
      'promote: 0.05',
      'promote: 1e-300',
      /^analysis.alpha.promote: a canary that is worse is promoted in less than one of 1,000,000 rollouts/,
    ],
    ['watch: 30m', 'watch: 1000000h', /^rollout.watch: lasts 1000000h, which is more than a year/],
    ['pause: {}', 'pause: 400d', /^rollout.steps\[2\].pause: lasts 400d/],
    ['pause: {}', 'pause: 2h', null],
    [
      'labelWindow: 10m',
      'labelWindow: 1ms',
      /rmse.labelWindow: what comes later than 1ms after its request counts for nothing/,
    ],
  ])
  t.match(about('{ weight: 5% }', '{ weight: 5%, minDuration: 400d }'), [
    /^rollout.steps: the steps take at least 576001m, which is longer than maxDuration \(1d\)$/,
    /^rollout.steps\[1\].minDuration: lasts 400d/,
  ])
  t.end()
})

t.test(
  'measurements that no step is long enough for, or that cannot fail, are warned about',
  (t) => {
    const measured = (more: string) => about('max: 5% }', `max: 5%, method: threshold, ${more} }`)
    const of = (more: string) => measured(more).filter((warning) => /errors\.\w+:/.test(warning))
    t.same(of('interval: 30s, count: 10'), [])
    t.match(of('interval: 24h'), [
      /errors.interval: is 1d, and maxDuration 1d: nothing is measured/,
    ])
    t.match(of('count: 5, failureLimit: 5'), [
      /errors.failureLimit: 5 of 5 measurements \(count\) may fail: the metric never does/,
    ])
    t.same(of('count: 5, failureLimit: 4'), [])
    const asked = 'other: { kind: http, url: "http://h", max: 1, interval: 24h }, errors:'
    t.match(about('errors:', asked), [/other.interval: is 1d, and maxDuration 1d/])
    t.end()
  },
)

t.test('a rollout that no traffic is enough for is warned about', (t) => {
  checkAll(t, [
    [
      'minRequests: 1000',
      'minRequests: 1e9',
      /^rollout.steps\[1\]: a weight of 5 % is too low even at 100,000 requests per second: .* longest by minRequests at 5 %, and maxDuration is 1d; raise the weight /,
    ],
    ['minRequests: 1000', 'minRequests: 100000000', null],
    [
      'labelWindow: 10m',
      'labelWindow: 10m, minLabels: 1e14',
      /take more than 100 years, longest by minLabels of rmse at .*maxDuration is 1d$/,
    ],
    [
      'maxIncrease: 5%',
      'maxIncrease: 0.0000001%',
      /^rollout.steps\[1\]: no rollout ever ends even at/,
    ],
    ['mirror: 100%', 'mirror: 0.0000001%', /longest by .* at the mirror, and/],
  ])
  t.end()
})
