import t from 'tap'
import { checkCases, configOf, file } from './problems-of.ts'

const STEPS = 'rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
const wrap = (drift: string, observe = '') =>
  file({
    service: `    ${observe}\n    ${STEPS}\n    analysis: { metrics: { drift: { kind: drift, ${drift} } } }`,
  })
const PREDICTION = 'observe: { prediction: body:/p }'

t.test('a drift names what it is watched of', (t) => {
  const at = 'analysis.metrics.drift'
  checkCases(
    t,
    [
      ['of: request:/a/0'],
      [
        'of: prediction',
        `${at}.of: found prediction, but nothing says where predictions are: name observe.prediction`,
      ],
      [
        'of: label',
        `${at}.of: found "label", allowed is prediction, or request:/json/pointer such as request:/inputs/0/data/0`,
      ],
    ],
    wrap,
  )
  checkCases(t, [['of: prediction'], ['of: prediction, onFailure: pause']], (found) =>
    wrap(found, PREDICTION),
  )
  t.end()
})

t.test('a flagged drift warns unless it is asked for more', (t) => {
  const of = (drift: string) => configOf(wrap(drift, PREDICTION)).services[0]!.rollout!.analysis
  t.match(of('of: prediction').metrics, [{ of: 'prediction', onFailure: 'warn', mode: 'decide' }])
  t.match(of('of: request:/a/0, onFailure: rollback').metrics, [
    { of: { pointer: '/a/0' }, onFailure: 'rollback' },
  ])
  t.end()
})

t.test('a drift has nothing that could be counted', (t) => {
  const at = 'analysis.metrics.drift'
  checkCases(
    t,
    [
      [
        'of: prediction, method: threshold',
        `${at}.method: found threshold: a drift has no value that could be counted`,
      ],
      [
        'of: prediction, method: threshold, count: 5, interval: 500ms',
        `${at}.method: found threshold: a drift has no value that could be counted`,
        `${at}.interval: found 500ms, allowed is at least 1s`,
      ],
      [
        'of: prediction, failureLimit: 1',
        `${at}.failureLimit: has no meaning without method: threshold`,
      ],
      ['of: prediction, method: sequential'],
    ],
    (found) => wrap(found, PREDICTION),
  )
  t.end()
})

t.test('a drift may be watched by segment', (t) => {
  const observe = 'observe: { prediction: body:/p, segment: { from: header:t, values: [a] } }'
  const { metrics } = configOf(wrap('of: prediction, segments: true', observe)).services[0]!
    .rollout!.analysis
  t.match(metrics, [{ segments: ['a'] }])
  t.end()
})
