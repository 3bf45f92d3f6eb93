import t from 'tap'
import { checkCases, file, warningsOf } from './problems-of.ts'

/** What is said about one part of a variant, after its path. */
function about(more: string): readonly string[] {
  const variants = `      v: { version: "3", upstreams: ["http://127.0.0.1:3"], ${more} }`
  return warningsOf(file({ variants })).map((warning) =>
    warning.replace(/^f:\d+:\d+: services\.m\.variants\.v\./, ''),
  )
}

t.test('limits of a variant that are none, and checks that never end, are warned about', (t) => {
  const crowd = 'at once, which is no limit: no process has so many; such as 256'
  const cases = [
    ['maxInFlight: 1000000, queue: { max: 1000000, timeout: 24h }'],
    [
      'maxInFlight: 1e12, queue: { max: 1000001, timeout: 25h }',
      `maxInFlight: lets 1,000,000,000,000 requests be at the upstreams ${crowd}`,
      `queue.max: lets 1,000,001 requests be waiting ${crowd}`,
      'queue.timeout: lets requests wait 25h; such as 1s',
    ],
    ['slowStart: 24h'],
    [
      'slowStart: 2d',
      'slowStart: an upstream that came back gets less than its share for 2d; such as 30s',
    ],
    ['health: { path: /h, interval: 100ms, unhealthyAfter: 1000 }'],
    [
      'health: { path: /h, interval: 1ms }',
      'health.interval: is 1ms: each upstream is asked 1,000 times a second; such as 5s',
    ],
    [
      'health: { path: /h, interval: 2d }',
      'health.interval: is 2d, in which nobody sees an upstream fail; such as 5s',
    ],
    [
      'health: { path: /h, unhealthyAfter: 100000 }',
      'health.unhealthyAfter: 100,000 checks, one each 5s: an upstream that fails has its requests for 5d 18h; such as 3',
    ],
    [
      'health: { path: /h, healthyAfter: 1e12 }',
      'health.healthyAfter: 1,000,000,000,000 checks, one each 5s: an upstream that came back gets none for more than 100 years; such as 2',
    ],
    ['eject: { consecutiveFailures: 100000, base: 5m }'],
    [
      'eject: { consecutiveFailures: 100001, base: 6m }',
      'eject.consecutiveFailures: 100,001 failures in a row: no upstream is ever ejected; such as 5',
      'eject.base: the first time out (6m) is longer than the longest (max: 5m): each takes 5m',
    ],
  ] as const
  for (const [more, ...said] of cases) t.same(about(more), said, more)
  t.end()
})

t.test('limits of the data port that let all in, or nobody, are warned about', (t) => {
  const of = (limits: string) => warningsOf(file({ gateway: `, limits: { ${limits} }` }))
  t.same(of('header: 1KiB, inFlight: 1000000'), [])
  t.match(of('header: 100B, inFlight: 1e9'), [
    /gateway.limits.header: is 100 B, and most clients send larger heads, which get 431; such as 16KiB$/,
    /gateway.limits.inFlight: lets 1,000,000,000 requests be in progress at once, which is no limit/,
  ])
  t.end()
})

t.test('times that no timer has are refused', (t) => {
  const LONG = 'allowed are durations up to 24d'
  const SHORT = 'allowed are durations from 1ms on'
  checkCases(
    t,
    [
      ['health: { path: /h, interval: 1.5ms }'],
      ['health: { path: /h, interval: 25d }', `variants.v.health.interval: found "25d", ${LONG}`],
      [
        'health: { path: /h, interval: 0.5ms }',
        `variants.v.health.interval: found "0.5ms", ${SHORT}`,
      ],
      ['timeout: { connect: 0.001s }'],
      ['timeout: { connect: 0.1ms }', `variants.v.timeout.connect: found "0.1ms", ${SHORT}`],
      [
        'maxInFlight: 1, queue: { max: 1, timeout: 25d }',
        `variants.v.queue.timeout: found "25d", ${LONG}`,
      ],
    ],
    (more) =>
      file({ variants: `      v: { version: "3", upstreams: ["http://127.0.0.1:3"], ${more} }` }),
  )
  t.end()
})
