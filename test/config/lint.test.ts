import t from 'tap'
import { lintConfig } from '../../src/config/lint.ts'
import { configOf, file, warningsOf } from './problems-of.ts'

const rollout = (metrics: string, more = '') =>
  file({
    service: `    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { weight: 100% } ], holdback: 1% }
    analysis: { metrics: { ${metrics} } }
${more}`,
  })
const ERRORS = 'errors: { kind: error-rate, maxIncrease: 0%, max: 5% }'
const RMSE = 'rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }'
const LATENCY = 'p99: { kind: latency, quantile: 0.99, max: 1s }'
const SOUND = `${ERRORS}, ${LATENCY}, ${RMSE}`

t.test('a sound configuration has no warnings', (t) => {
  t.same(warningsOf(rollout(SOUND)), [])
  t.same(lintConfig(configOf(rollout(SOUND))), [])
  t.end()
})

t.test('only technical metrics are warned about', (t) => {
  const warning = /analysis.metrics: only technical metrics decide: .* add a quality metric/
  t.match(warningsOf(rollout(`${ERRORS}, ${LATENCY}`)), [warning])
  const reported = RMSE.replace('}', ', mode: report }')
  t.match(
    warningsOf(rollout(`${ERRORS}, ${LATENCY}, ${reported}`)),
    [warning],
    'a report decides nothing',
  )
  const told = RMSE.replace('}', ', onFailure: warn }')
  t.match(
    warningsOf(rollout(`${ERRORS}, ${LATENCY}, ${told}`)),
    [warning],
    'nor does what only warns',
  )
  t.end()
})

t.test(
  'a rollout that leaves a canary in front of users that is slow, or hangs, is warned about',
  (t) => {
    const warning =
      /^f:\d+:\d+: services.m.analysis.metrics: nothing that rolls back sees a canary that answers late: .*, at 50 % of the requests; add a latency/
    const withMore = (more: string) => warningsOf(rollout(`${ERRORS}, ${RMSE}, ${more}`))
    t.match(warningsOf(rollout(`${ERRORS}, ${RMSE}`)), [warning])
    t.match(withMore(LATENCY.replace('}', ', mode: report }')), [warning])
    t.match(withMore(LATENCY.replace('}', ', onFailure: pause }')), [warning])
    t.same(withMore(LATENCY), [])
    t.same(withMore('p99: { kind: latency, quantile: 0.99, maxIncrease: 50% }'), [])
    const other = 'slow: { kind: prometheus, url: "http://p", query: "f({{version}})", max: 1 }'
    t.same(withMore(other), [], 'it may be about slow answers')
    t.end()
  },
)

t.test('a queue in which nobody ever waits is warned about', (t) => {
  const about = (more: string) => {
    const queue = 'queue: { max: 10, timeout: 1s }'
    const variants = `      v: { version: "3", upstreams: ["http://h"], ${queue}${more} }`
    return lintConfig(configOf(file({ variants })))
  }
  t.same(about(''), [
    {
      path: ['services', 'm', 'variants', 'v', 'queue'],
      message: 'nobody ever waits in it: without maxInFlight every request is let in at once',
    },
  ])
  t.same(about(', maxInFlight: 8'), [])
  t.end()
})

t.test('a limit that each worker has for itself is warned about', (t) => {
  const limited = (workers: number | string) =>
    file({
      gateway: `, workers: ${workers}`,
      variants: '      v: { version: "3", upstreams: ["http://h"], maxInFlight: 8 }',
    })
  const about = (workers: number | string) => lintConfig(configOf(limited(workers)))
  t.same(about(1), [])
  t.match(about(3), [
    {
      path: ['services', 'm', 'variants', 'v', 'maxInFlight'],
      message:
        'each of the workers (gateway.workers: 3) lets in so many by itself: 24 at once in all',
    },
  ])
  t.match(about('auto'), [{ message: /\(gateway\.workers: auto\) lets in so many by itself$/ }])
  t.end()
})

t.test('a log-loss and an accuracy of the same prediction are warned about', (t) => {
  const loss = RMSE.replace('rmse: { kind: rmse', 'loss: { kind: log-loss')
  const accuracy = 'right: { kind: accuracy, maxDecrease: 5%, labelWindow: 10m }'
  t.match(warningsOf(rollout(`${ERRORS}, ${LATENCY}, ${loss}, ${accuracy}`)), [
    /analysis.metrics.right: compares classes, and loss \(log-loss\) needs a probability/,
  ])
  t.same(warningsOf(rollout(`${ERRORS}, ${LATENCY}, ${loss}`)), [])
  t.same(warningsOf(rollout(`${ERRORS}, ${LATENCY}, ${accuracy}`)), [])
  t.end()
})

t.test('variants that one server answers for in the same way are warned about', (t) => {
  const about = (variants: string) => lintConfig(configOf(file({ variants })))
  const twin = {
    path: ['services', 'm', 'variants', 'v', 'upstreams', 1],
    message:
      'http://h:3 is an upstream of u too, and no path of its own tells v apart: one server answers for both, and would be compared with itself',
  }
  const u = '      u: { version: "3", upstreams: ["http://h:3"] }\n'
  const v = (more: string) =>
    `${u}      v: { version: "4", upstreams: ["http://h:4", "http://H:3"]${more} }`
  t.same(about(v('')), [twin])
  t.same(about(v(', path: "/other"')), [])
  t.same(about(v(', path: "/m"')), [twin], 'the path that it has anyway')
  t.same(about(v('').replace('//H:3', '//H:5')), [])
  t.same(about(v(', tls: { servername: v }').replaceAll('http:', 'https:')), [], 'another name')
  t.end()
})

t.test("an upstream that is the gateway's own address is warned about", (t) => {
  const about = (listen: string, origin: string) => {
    const variants = `      a: { version: "3", upstreams: ["${origin}"] }`
    return lintConfig(configOf(file({ variants }).replace('127.0.0.1:0', listen)))
  }
  t.same(about('127.0.0.1:8080', 'http://127.0.0.1:8080'), [
    {
      path: ['services', 'm', 'variants', 'a', 'upstreams', 0],
      message:
        'http://127.0.0.1:8080 is where the gateway itself listens (gateway.listen): requests to a would come back to it, and are refused as a loop',
    },
  ])
  for (const [listen, origin, found] of [
    ['0.0.0.0:8080', 'http://localhost:8080', 1],
    ['"[::]:8080"', 'http://[::1]:8080', 1],
    ['10.0.0.1:80', 'http://10.0.0.1', 1],
    ['10.0.0.1:443', 'https://10.0.0.1', 1],
    ['127.0.0.1:8080', 'http://127.0.0.1:8081', 0],
    ['0.0.0.0:8080', 'http://10.0.0.2:8080', 0],
    ['10.0.0.1:8080', 'http://127.0.0.1:8080', 0],
  ] as const) {
    t.equal(about(listen, origin).length, found, `${listen} ${origin}`)
  }
  t.end()
})

t.test('a rollout that nothing rolls back is warned about', (t) => {
  const warning = /^f:\d+:14: services.m.rollout: nothing rolls the canary back but the breaker/
  t.match(warningsOf(rollout('')), [warning])
  t.match(warningsOf(rollout(RMSE.replace('}', ', onFailure: pause }'))), [warning])
  t.match(warningsOf(rollout(RMSE.replace('}', ', mode: report }'))), [warning])
  const told = warningsOf(rollout(ERRORS.replace('}', ', onFailure: warn }')))
  t.match(told, [warning])
  t.notMatch(told.join('\n'), 'only technical metrics decide', 'none does')
  t.end()
})

// What people who write of canary deployments warn of.
t.test('each of the three common mistakes is found, and what mends it silences it', (t) => {
  const text = (weight: string, metrics: string) =>
    rollout(metrics).replace('weight: 5%', `weight: ${weight}`)
  const found = (source: string) =>
    lintConfig(configOf(source), 2).map(({ path, message }) => `${path.join('.')}: ${message}`)
  const shown = ERRORS.replace('}', ', mode: report }')
  const wary = RMSE.replace('}', ', onFailure: pause }')
  t.match(found(text('1%', `${ERRORS}, ${LATENCY}`)), [
    /metrics: only technical metrics decide/,
    /steps.0: a weight of 1 % is too low at 2 requests per second: four of five rollouts take up to \d+d/,
  ])
  t.match(found(text('30%', shown)), [/rollout: nothing rolls the canary back/])
  t.match(found(text('30%', wary)), [/rollout: nothing rolls the canary back/])
  t.same(found(text('30%', SOUND)), [], 'a weight of 30 % suffices')
  t.match(found(text('1%', SOUND)), [/^services.m.rollout.steps.0: a weight of 1 %/])
  t.match(found(text('1%', wary)), [/nothing rolls/, /a weight of 1 % is too low/], 'two at once')
  t.end()
})

t.test('what a mirror step never judges is named', (t) => {
  const text = (first: string, more: string) =>
    rollout(`${SOUND}, ${more}`, '    idempotent: true\n').replace('steps: [', `steps: [ ${first}`)
  const never = (reason: RegExp) =>
    new RegExp(`is never judged in a mirror step, and waits for the first weight: ${reason.source}`)
  const event = 'event: buy, maxDecrease: 5%, window: 1m'
  const counted = 'method: threshold, count: 3'
  for (const [name, metric, reason] of [
    ['sales', `sales: { kind: conversion, ${event} }`, /nobody sees/],
    ['sum', `sum: { kind: sum, better: higher, cap: 5, ${event} }`, /nobody sees/],
    ['tokens', 'tokens: { kind: mean, of: body:/n, maxIncrease: 5% }', /numbers of answers/],
    ['drift', 'drift: { kind: drift, of: prediction }', /distributions/],
    ['late', `late: { kind: latency, quantile: 0.9, max: 1s, ${counted} }`, /its measurements/],
  ] as const) {
    const found = warningsOf(text('{ mirror: 100% }, ', metric))
    t.match(found, [never(reason)], name)
    t.match(found[0], `analysis.metrics.${name}: `)
    t.same(warningsOf(text('', metric)), [], 'without a mirror step nothing is said')
  }
  const judged =
    'late: { kind: latency, quantile: 0.9, max: 1s }, same: { kind: disagreement, max: 5% }'
  t.same(warningsOf(text('{ mirror: 100% }, ', judged)), [])
  t.end()
})

t.test('a disagreement that reads no prediction is told as what it compares', (t) => {
  const text = (observe: string) =>
    file({
      service: `    idempotent: true
${observe}    rollout: { steps: [ { mirror: 100% }, { weight: 5% }, { weight: 100% } ] }
    analysis: { metrics: { ${LATENCY}, same: { kind: disagreement, max: 5% } } }
`,
    })
  const forms =
    /metrics.same: compares statuses and forms of answers, and not what they say: name observe.prediction/
  t.match(warningsOf(text('')).filter((message) => forms.test(message)).length, 1)
  t.same(
    warningsOf(text('    observe: { prediction: body:/p }\n')).filter((message) =>
      forms.test(message),
    ),
    [],
  )
  t.end()
})

t.test('a rule behind one that takes all of its requests is warned about', (t) => {
  const warned = (...when: string[]) =>
    warningsOf(
      file({
        service: `    split: { rules: [ ${when.map((w) => `{ when: { ${w} }, variant: canary }`).join(', ')} ] }`,
      }),
    ).map((warning) => warning.replace(/^f:\d+:\d+: services\.m\.split\./, ''))
  const never = (rule: number, earlier: number) =>
    `rules[${rule}]: never matches: rules[${earlier}] comes first, and takes all of its requests`
  t.same(warned('"header:t": [a, b]', '"query:x": [a]', '"header:T": [b]'), [never(2, 0)])
  t.same(warned('"header:t": { prefix: eu- }', '"header:t": [eu-1, eu-2]'), [never(1, 0)])
  t.same(warned('"header:t": { prefix: eu- }', '"header:t": { prefix: eu-n }'), [never(1, 0)])
  t.same(warned('"query:n": { gte: 18 }', '"query:n": { gte: 18 }, "header:t": [a]'), [never(1, 0)])
  t.same(
    warned(
      ...['"header:t": [a]', '"header:t": [a, b]', '"header:t": { prefix: a }'],
      ...['"query:n": { gte: 18 }', '"query:n": { gt: 18 }', '"query:n": [19]', '"query:t": [a]'],
      ...['"header:t": [b], "query:n": [7]', '"header:t": { prefix: c }, "query:n": [7]'],
    ),
    [never(7, 1)],
  )
  t.end()
})

t.test('a rollout by address is warned about', (t) => {
  t.match(warningsOf(rollout(SOUND, '    split: { key: ip }')), [/split.key: assignment by ip/])
  t.same(warningsOf(file({ service: '    split: { key: ip }' })), [], 'not without a rollout')
  t.end()
})

t.test('steps that cannot end before maxDuration are warned about', (t) => {
  const text = (maxDuration: string) =>
    rollout(SOUND).replace(
      '{ weight: 5% }, { weight: 100% } ]',
      `{ weight: 5%, minDuration: 30m }, { pause: 10h }, { weight: 9%, minDuration: 1h }, { weight: 100% } ], maxDuration: ${maxDuration}`,
    )
  t.match(warningsOf(text('1h')), [
    /rollout.steps: the steps take at least 90m, which is longer than maxDuration \(1h\)/,
  ])
  t.same(warningsOf(text('90m')), [])
  t.end()
})

t.test('a watch in which failures lead nobody back is warned about', (t) => {
  const text = (metrics: string, more = '') =>
    rollout(metrics).replace(', holdback: 1%', more === '' ? '' : `, ${more}`)
  const bare = `errors: { kind: error-rate, maxIncrease: 0% }, ${LATENCY}`
  const watched =
    'at 100 % nothing is compared, so in the watch only the breaker leads back from failures, at 50 % of the requests'
  const at = (metrics: string) => lintConfig(configOf(text(metrics)))
  t.match(at(`${bare}, ${RMSE}`), [
    {
      path: ['services', 'm', 'analysis', 'metrics', 'errors'],
      message: `has no absolute limit (max): ${watched}; add one, or hold a share back (holdback)`,
    },
  ])
  t.match(at(`${LATENCY}, ${RMSE}`), [
    {
      path: ['services', 'm', 'rollout'],
      message: `${watched}: add an error-rate with an absolute limit (max), or hold a share back (holdback)`,
    },
  ])
  const told = /leads back from failures/
  t.match(warningsOf(text(`${ERRORS.replace('}', ', onFailure: pause }')}, ${LATENCY}, ${RMSE}`)), [
    told,
  ])
  t.match(warningsOf(text(`${RMSE.replace('}', ', max: 3 }')}, ${bare}`)), [told], 'another limit')
  t.match(
    warningsOf(
      text(`${bare}, ${RMSE}`).replace('analysis: {', 'analysis: { breaker: { failures: 20% },'),
    ),
    [/at 20 % of the requests/],
  )

  t.same(warningsOf(text(SOUND)), [])
  t.same(warningsOf(text(`${bare}, ${RMSE}`, 'holdback: 5%')), [])
  t.same(warningsOf(text(`${bare}, ${RMSE}`, 'watch: 0')), [], 'there is no watch')
  const other = 'up: { kind: prometheus, url: "http://p", query: "f({{version}})", max: 1 }'
  t.same(warningsOf(text(`${bare}, ${RMSE}, ${other}`)), [], 'it may be about failures')
  t.end()
})
