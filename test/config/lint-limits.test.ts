import t from 'tap'
import { file, warningsOf } from './problems-of.ts'

/** What is said about limits of one metric, after its path. */
function about(metric: string): readonly string[] {
  const text = file({
    service: `    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }
    analysis: { metrics: { x: { ${metric} } } }`,
  })
  return warningsOf(text).flatMap((warning) => {
    const of = /metrics\.x\.(?<of>\w+: .*)$/.exec(warning)?.groups?.['of']
    return of === undefined ? [] : [of]
  })
}

t.test('limits that nothing is ever beyond are warned about', (t) => {
  const ERRORS = 'kind: error-rate'
  const LATENCY = 'kind: latency, quantile'
  const RMSE = 'kind: rmse, labelWindow: 10m'
  const EVENTS = 'event: buy, window: 10m'
  const cases = [
    [`${ERRORS}, max: 99.9%`],
    [`${ERRORS}, max: 100%`, 'max: is never reached: no share is above 100 %; such as 5%'],
    [`${LATENCY}: 0.95, max: 59m`],
    [
      `${LATENCY}: 0.95, max: 1h`,
      'max: is never reached: what takes longer than 1h counts as that; such as 500ms',
    ],
    [`${LATENCY}: 0.9999, max: 1s`],
    [
      `${LATENCY}: 0.99999, max: 1s`,
      'quantile: is about the slowest of 100,000 requests: so few tell nothing in a rollout; such as 0.99',
    ],
    [`${RMSE}, max: 1e49`],
    [
      `${RMSE}, max: 1e300`,
      'max: is never reached: no label, number or prediction is taken beyond 1e+50; such as a limit in the unit of the metric',
    ],
    [`kind: conversion, ${EVENTS}, min: 1%`],
    [
      `kind: conversion, ${EVENTS}, min: 0%`,
      'min: is always kept: x (conversion) is never below 0; a limit is above',
    ],
    [`kind: sum, ${EVENTS}, min: -5`],
    ['kind: http, url: "http://h", min: 0'],
    [`${ERRORS}, maxIncrease: 10000%`],
    [
      `${ERRORS}, maxIncrease: 99999900%`,
      'maxIncrease: allows 1,000,000 times what the baseline has: whatever a canary does is no harm; such as 5%',
    ],
    [`${ERRORS}, maxIncrease: 5%, floor: 49%`],
    [
      `${ERRORS}, maxIncrease: 5%, floor: 50%`,
      'floor: allows a canary 50 % of all more than the baseline has: whatever it does is proved to be no worse; such as 0.1%',
    ],
  ] as const
  for (const [metric, ...said] of cases) t.same(about(metric), said, metric)
  t.end()
})

t.test('a tolerance in which any two predictions agree is warned about', (t) => {
  const mirrored = (tolerance: string) =>
    warningsOf(
      file({
        service: `    idempotent: true
    mirror: [ { to: v, tolerance: ${tolerance} } ]
    rollout: { steps: [ { mirror: 100%, tolerance: ${tolerance} }, { weight: 5% }, { weight: 100% } ] }`,
        variants: '      v: { version: "3", upstreams: ["http://127.0.0.1:3"] }',
      }),
    ).filter((warning) => warning.includes('tolerance'))
  t.match(mirrored('5'), [
    /services.m.mirror\[0\].tolerance: is a fraction of the larger prediction, and any two of one sign agree within 5; such as 0.01$/,
    /services.m.rollout.steps\[0\].tolerance: /,
  ])
  t.same(mirrored('0.5'), [])
  t.end()
})
