import t from 'tap'
import { checkCases, file, problemsOf } from './problems-of.ts'

t.test('durations have a unit, and 0 is one where it makes sense', (t) => {
  const said = (found: string) =>
    `rollout.watch: found ${found}, allowed is a duration such as 250ms, 5s, 10m, 24h or 7d`
  checkCases(
    t,
    [
      ['0'],
      ['0s'],
      ['250ms'],
      ['1.5h'],
      ['7d'],
      ['"0"'],
      ['5', said('5')],
      ['5 s', said('"5 s"')],
      ['-5s', said('"-5s"')],
      ['5S', said('"5S"')],
      ['5w', said('"5w"')],
      ['true', said('true')],
      ['', said('nothing')],
      ['{}', said('a map')],
      ['[]', said('a list')],
    ],
    (found) =>
      file({
        service: `    rollout: { steps: [ { weight: 5% }, { weight: 100% } ], watch: ${found} }`,
      }),
  )
  t.match(problemsOf(file({ service: '    analysis: { interval: 0s }' })), [
    /interval: found "0s", allowed is a duration above 0 such as/,
  ])
  t.end()
})

t.test('weights have at most two decimals, since traffic is split in basis points', (t) => {
  const said = (found: string) =>
    `split.weights.canary: found ${found}, allowed is a percentage from 0% to 100% with at most two decimals such as 5% or 12.25%`
  checkCases(
    t,
    [
      ['12.25%'],
      ['0'],
      ['100.00%'],
      ['0.001%', said('"0.001%"')],
      ['100.5%', said('"100.5%"')],
      ['5', said('5')],
    ],
    (found) => file({ service: `    split: { weights: { canary: ${found} } }` }),
  )
  t.end()
})

t.test('fields are read from a header, a cookie, the query, the body or the address', (t) => {
  const said = (found: string) =>
    `split.key: found ${found}, allowed is one of header:NAME, cookie:NAME, query:NAME, body:/json/pointer, ip`
  checkCases(
    t,
    [
      ['header:X-User-Id'],
      ['cookie:session'],
      ['query:user[id]'],
      ['body:/parameters/a~1b/0'],
      ['ip'],
      ['"header:"', said('"header:"')],
      ['header:x y', said('"header:x y"')],
      ['body:parameters', said('"body:parameters"')],
      ['body:/a~2', said('"body:/a~2"')],
      ['"body:"', said('"body:"')],
      ['path', said('"path"')],
      ['Header:x', said('"Header:x"')],
    ],
    (found) => file({ service: `    split: { key: "${found.replaceAll('"', '')}" }` }),
  )
  checkCases(
    t,
    [
      ['requestId: header:X-Id'],
      ['requestId: cookie:x', 'observe.requestId: found "cookie:x", allowed is header:NAME'],
      ['prediction: body:/a'],
      [
        'prediction: header:x',
        'observe.prediction: found "header:x", allowed is body:/json/pointer such as body:/outputs/0/data/0',
      ],
    ],
    (found) => file({ service: `    observe: { ${found} }` }),
  )
  t.end()
})

t.test('a rule has conditions and exactly one of variant and weights', (t) => {
  const one = 'a map with `when` and exactly one of `variant` and `weights`'
  checkCases(
    t,
    [
      ['{ when: { ip: [a] }, variant: canary }'],
      ['{ when: { ip: [a] } }', `split.rules[0]: found \`when\`, allowed is ${one}`],
      [
        '{ when: { ip: [a] }, variant: canary, weights: { canary: 5% } }',
        `split.rules[0]: found \`when\`, \`variant\`, \`weights\`, allowed is ${one}`,
      ],
      ['{ variant: canary }', `split.rules[0].when: is missing: a map of conditions by field`],
      [
        '{ when: {}, variant: canary }',
        'split.rules[0].when: found nothing in it, allowed is at least one entry',
      ],
      [
        '{ when: { heder:x: [a] }, variant: canary }',
        'split.rules[0].when["heder:x"]: the key "heder:x" is not allowed: it must be one of header:NAME, cookie:NAME, query:NAME, body:/json/pointer, ip',
      ],
      [
        '{ when: { ip: a }, variant: canary }',
        'split.rules[0].when.ip: found "a", allowed is a list of values, a range { gte, gt, lt, lte } or { prefix }',
      ],
      [
        '{ when: { ip: [] }, variant: canary }',
        'split.rules[0].when.ip: found nothing in it, allowed is at least one entry',
      ],
      [
        '{ when: { ip: [[a]] }, variant: canary }',
        'split.rules[0].when.ip[0]: found a list, allowed is text, a number, true or false',
      ],
      [
        '{ when: { ip: { gte: x } }, variant: canary }',
        'split.rules[0].when.ip.gte: found "x", allowed is a number',
      ],
      [
        '{ when: { ip: { get: 5 } }, variant: canary }',
        'split.rules[0].when.ip.get: unknown key "get": did you mean "gte"? (allowed: gte, gt, lt, lte, prefix)',
      ],
    ],
    (found) => file({ service: `    split: { rules: [ ${found} ] }` }),
  )
  t.end()
})

t.test('a step is exactly one of weight, pause and mirror', (t) => {
  const one = 'a step with exactly one of `weight`, `pause` and `mirror`, such as { weight: 5% }'
  const pause = '{} (waits for `serin promote`) or a duration above 0 such as 10m'
  checkCases(
    t,
    [
      ['{ pause: {} }'],
      ['{ pause: 10m }'],
      ['{}', `rollout.steps[1]: found an empty map, allowed is ${one}`],
      [
        '{ weight: 10%, pause: {} }',
        `rollout.steps[1]: found \`weight\`, \`pause\`, allowed is ${one}`,
      ],
      ['{ pause: 0s }', `rollout.steps[1].pause: found "0s", allowed is ${pause}`],
      ['{ pause: 10 }', `rollout.steps[1].pause: found 10, allowed is ${pause}`],
      [
        '{ pause: { for: 10m } }',
        'rollout.steps[1].pause.for: unknown key "for" (none is allowed here)',
      ],
      [
        '5%',
        'rollout.steps[1]: found "5%", allowed is a step with exactly one of `weight`, `pause` and `mirror`, such as { weight: 5% }',
      ],
    ],
    (found) =>
      file({ service: `    rollout: { steps: [ { weight: 5% }, ${found}, { weight: 100% } ] }` }),
  )
  t.end()
})

t.test('the kind of a metric decides which keys it has and what its limit is', (t) => {
  const kinds =
    'error-rate, latency, rmse, mae, log-loss, accuracy, conversion, sum, mean, ratio, disagreement, drift, prometheus, http'
  const at = 'analysis.metrics.x'
  checkCases(
    t,
    [
      ['{ kind: error-rate, max: 5% }'],
      ['{ kind: latency, quantile: 0.99, max: 500ms }'],
      ['{ kind: latency, quantile: 0.99, max: 500ms, until: last-byte }'],
      [
        '{ kind: latency, quantile: 0.99, max: 500ms, until: firstbyte }',
        `${at}.until: found "firstbyte": did you mean "first-byte"? (allowed: first-byte, last-byte)`,
      ],
      ['{ kind: rmse, max: 3.5, labelWindow: 10m }'],
      [
        '{ kind: eror-rate }',
        `${at}.kind: found "eror-rate": did you mean "error-rate"? (allowed: ${kinds})`,
      ],
      ['{ kind: 5 }', `${at}.kind: found 5 (allowed: ${kinds})`],
      ['{ max: 5% }', `${at}.kind: is missing: one of ${kinds}`],
      ['5', `${at}: found 5, allowed is a map`],
      [
        '{ kind: error-rate, max: 0.05 }',
        `${at}.max: found 0.05, allowed is a percentage from 0% to 100% such as 5% or 0.1%`,
      ],
      [
        '{ kind: latency, quantile: 0.9, max: 5% }',
        `${at}.max: found "5%", allowed is a duration above 0 such as 250ms, 5s, 10m, 24h or 7d`,
      ],
      [
        '{ kind: rmse, max: 5%, labelWindow: 1m }',
        `${at}.max: found "5%", allowed is a number of at least 0`,
      ],
      [
        '{ kind: rmse, maxIncrease: 5% }',
        `${at}.labelWindow: is missing: a duration above 0 such as 250ms, 5s, 10m, 24h or 7d`,
      ],
      [
        '{ kind: latency, max: 1s }',
        `${at}.quantile: is missing: a fraction between 0 and 1, without both, such as 0.95 (p95) or 0.99 (p99)`,
      ],
      [
        '{ kind: error-rate, maxIncrease: 0%, sensitivity: 0% }',
        `${at}.sensitivity: found "0%", allowed is a percentage above 0% such as 5% or 0.1%`,
      ],
      [
        '{ kind: error-rate, max: 5%, onFailure: rolback }',
        `${at}.onFailure: found "rolback": did you mean "rollback"? (allowed: rollback, pause, warn)`,
      ],
      [
        '{ kind: rmse, max: 5, labelWindow: 1m, cap: 1e60 }',
        `${at}.cap: found 1e60, allowed is a number above 0, at most 1e50`,
      ],
      [
        '{ kind: rmse, max: 5, labelWindow: 1m, cap: 0 }',
        `${at}.cap: found 0, allowed is a number above 0, at most 1e50`,
      ],
    ],
    (found) =>
      file({
        service: `    observe: { prediction: body:/p }\n    analysis: { metrics: { x: ${found} } }`,
      }),
  )
  t.end()
})

t.test('what counts as a failure is said by statuses, by a place in a stream, or by both', (t) => {
  const said = (text: string) => problemsOf(file({ service: `    errors: ${text}` }))
  t.same(said('{ statuses: [503] }'), [])
  t.same(said('{ streamError: body:/error }'), [])
  t.same(said('{ statuses: [503], streamError: body:/error/code }'), [])
  t.match(said('{}'), [/errors: found nothing in it, allowed is at least one entry/])
  t.match(said('{ streamError: error }'), [/errors.streamError: found "error", allowed is body:\//])
  t.end()
})
