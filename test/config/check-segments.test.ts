import t from 'tap'
import { checkCases, configOf, file, warningsOf } from './problems-of.ts'

const ERRORS = 'errors: { kind: error-rate, maxIncrease: 0, segments: true }'
const STEPS = 'rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
const wrap = (observe: string, metrics: string) =>
  file({
    service: `    observe: { prediction: body:/p${observe} }\n    ${STEPS}\n    analysis: { metrics: { ${metrics} } }`,
  })

t.test('segments are named once each, by a field of the request', (t) => {
  const at = 'observe.segment'
  checkCases(
    t,
    [
      ['{ from: header:x-tier, values: [gold, other] }'],
      ['{ from: body:/tier, values: [gold] }'],
      [
        '{ from: ip, values: [gold] }',
        `${at}.from: found "ip": allowed are header:NAME, cookie:NAME, query:NAME and body:/json/pointer`,
      ],
      ['{ from: query:t, values: [] }', `${at}.values: is empty: name at least one segment`],
      ['{ from: cookie:t, values: [a, b, a] }', `${at}.values[2]: found "a" twice`],
      [
        '{ from: header, values: [a] }',
        `${at}.from: found "header", allowed is one of header:NAME, cookie:NAME, query:NAME, body:/json/pointer, ip`,
      ],
    ],
    (found) => wrap(`, segment: ${found}`, ERRORS),
  )
  t.end()
})

t.test('a metric by segment needs segments, and a comparison', (t) => {
  const at = 'analysis.metrics'
  checkCases(
    t,
    [
      [
        ERRORS,
        `${at}.errors.segments: found true, but nothing says what the segments are: name observe.segment`,
      ],
      ['errors: { kind: error-rate, maxIncrease: 0, segments: false }'],
    ],
    (found) => wrap('', found),
  )
  checkCases(
    t,
    [
      [
        'slow: { kind: latency, quantile: 0.9, max: 1s, segments: true }',
        `${at}.slow.segments: found true, but absolute limits hold for all requests together: it needs maxIncrease or maxDecrease`,
      ],
      ['acc: { kind: accuracy, maxDecrease: 1%, labelWindow: 1m, segments: true }'],
    ],
    (found) => wrap(', segment: { from: header:t, values: [a] }', found),
  )
  t.end()
})

t.test('what is counted, or asked for elsewhere, is not measured by segment', (t) => {
  const refused = (name: string) =>
    `analysis.metrics.${name}.segments: found true, but what is counted or asked for elsewhere is about all requests together: leave it out`
  checkCases(
    t,
    [
      [
        'e: { kind: error-rate, maxIncrease: 50%, method: threshold, segments: true }',
        refused('e'),
      ],
      ['e: { kind: error-rate, max: 5%, method: threshold, segments: true }', refused('e')],
      [
        'p: { kind: prometheus, url: "http://p", query: "a{v=\'{{variant}}\'}", max: 1, segments: true }',
        refused('p'),
      ],
      ['h: { kind: http, url: "http://h", max: 1, segments: true }', refused('h')],
      [`${ERRORS}, h: { kind: http, url: "http://h", max: 1, segments: false }`],
    ],
    (found) => wrap(', segment: { from: header:t, values: [a] }', found),
  )
  t.end()
})

t.test('segments that no metric asks for are warned about', (t) => {
  const text = wrap(
    ', segment: { from: header:t, values: [a] }',
    'e: { kind: error-rate, max: 1% }',
  )
  t.match(warningsOf(text), [/observe.segment: is not used: no metric has segments: true/])
  t.end()
})

t.test('segments reach the requests, and the metrics that ask for them', (t) => {
  const more = `${ERRORS}, slow: { kind: latency, quantile: 0.9, maxIncrease: 5% }`
  const { services } = configOf(wrap(', segment: { from: "header:X-Tier", values: [gold] }', more))
  const { observe, rollout } = services[0]!
  t.same(observe.segment, { from: { from: 'header', name: 'x-tier' }, values: ['gold'] })
  t.same(
    rollout!.analysis.metrics.map((m) => m.segments),
    [['gold'], undefined],
  )
  t.end()
})
