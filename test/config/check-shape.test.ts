import t, { type Test } from 'tap'
import { file, problemsOf } from './problems-of.ts'

/** One part of a file, and what is said about it (after file, line, column and `services.m.`). */
type Case = readonly [found: string, said: string]

function check(t: Test, cases: readonly Case[], wrap: (found: string) => string): void {
  for (const [found, said] of cases) {
    const problems = problemsOf(wrap(found)).map((problem) =>
      problem.replace(/^f:\d+:\d+: (services\.m\.)?/, ''),
    )
    t.same(problems, said === '' ? [] : [said], found)
  }
}

t.test('an unknown key names the nearest known one and all that are allowed', (t) => {
  const allowed = '(allowed: key, rules, weights, override)'
  check(
    t,
    [
      ['kye: ip', `split.kye: unknown key "kye": did you mean "key"? ${allowed}`],
      ['Key: ip', `split.Key: unknown key "Key": did you mean "key"? ${allowed}`],
      ['wieghts: {}', `split.wieghts: unknown key "wieghts": did you mean "weights"? ${allowed}`],
      ['colour: red', `split.colour: unknown key "colour" ${allowed}`],
    ],
    (found) => file({ service: `    split: { ${found} }` }),
  )
  t.same(problemsOf(file({ top: 'gatway: {}' })), [
    'f:3:1: gatway: unknown key "gatway": did you mean "gateway"? (allowed: version, gateway, admin, store, feedback, passthrough, services)',
  ])
  t.end()
})

t.test('a missing key says what belongs there', (t) => {
  t.same(problemsOf('version: 1\ngateway: {}\nservices: { a: { match: {} } }\n'), [
    'f:2:1: gateway.listen: is missing: HOST:PORT such as 0.0.0.0:8080, 127.0.0.1:9090 or [::1]:8080',
    'f:3:13: services.a.variants: is missing: a map of names',
    'f:3:18: services.a.match.path: is missing: a path that starts with /, literal or ending in /*, such as /v2/models/m/*',
  ])
  t.match(
    problemsOf(file().replace('baseline:', 'base:')).join('\n'),
    'f:7:5: services.m.variants.baseline: is missing',
  )
  t.end()
})

t.test('durations have a unit, and 0 is one where it makes sense', (t) => {
  const said = (found: string) =>
    `rollout.watch: found ${found}, allowed is a duration such as 250ms, 5s, 10m, 24h or 7d`
  check(
    t,
    [
      ['0', ''],
      ['0s', ''],
      ['250ms', ''],
      ['1.5h', ''],
      ['7d', ''],
      ['"0"', ''],
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

t.test('sizes, counts, percentages and probabilities stay in their bounds', (t) => {
  check(
    t,
    [
      ['limits: { body: 512B, header: 1.5KiB, inFlight: 1 }', ''],
      [
        'limits: { body: 64MB }',
        'gateway.limits.body: found "64MB", allowed is a size above 0 such as 512B, 64KiB, 8MiB or 2GiB',
      ],
      [
        'limits: { inFlight: 0 }',
        'gateway.limits.inFlight: found 0, allowed is a whole number of at least 1',
      ],
      [
        'limits: { inFlight: 1.5 }',
        'gateway.limits.inFlight: found 1.5, allowed is a whole number of at least 1',
      ],
      ['log: { access: { sample: 0 } }', ''],
      ['log: { access: { sample: 100% } }', ''],
      [
        'log: { access: { sample: 101% } }',
        'gateway.log.access.sample: found "101%", allowed is a percentage from 0% to 100% such as 5% or 0.1%',
      ],
      [
        'workers: many',
        'gateway.workers: found "many", allowed is a whole number of at least 1, or auto',
      ],
    ],
    (found) => file({ gateway: `, ${found}` }),
  )
  check(
    t,
    [
      ['alpha: { rollback: 0.01 }', ''],
      [
        'alpha: { rollback: 1 }',
        'analysis.alpha.rollback: found 1, allowed is a number between 0 and 1, without both',
      ],
      [
        'alpha: { promote: 0 }',
        'analysis.alpha.promote: found 0, allowed is a number between 0 and 1, without both',
      ],
      [
        'alpha: { promote: .nan }',
        'analysis.alpha.promote: found .nan, allowed is a number between 0 and 1, without both',
      ],
      ['minRequests: 0', ''],
      [
        'minRequests: -1',
        'analysis.minRequests: found -1, allowed is a whole number of at least 0',
      ],
    ],
    (found) => file({ service: `    analysis: { ${found} }` }),
  )
  t.end()
})

t.test('weights have at most two decimals, since traffic is split in basis points', (t) => {
  const said = (found: string) =>
    `split.weights.canary: found ${found}, allowed is a percentage from 0% to 100% with at most two decimals such as 5% or 12.25%`
  check(
    t,
    [
      ['12.25%', ''],
      ['0', ''],
      ['100.00%', ''],
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
  check(
    t,
    [
      ['header:X-User-Id', ''],
      ['cookie:session', ''],
      ['query:user[id]', ''],
      ['body:/parameters/a~1b/0', ''],
      ['ip', ''],
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
  check(
    t,
    [
      ['requestId: header:X-Id', ''],
      ['requestId: cookie:x', 'observe.requestId: found "cookie:x", allowed is header:NAME'],
      ['prediction: body:/a', ''],
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
  check(
    t,
    [
      ['{ when: { ip: [a] }, variant: canary }', ''],
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
  const one = 'a step with exactly one of `weight`, `pause` and `mirror`'
  const pause = '{} (waits for `serin promote`) or a duration above 0 such as 10m'
  check(
    t,
    [
      ['{ pause: {} }', ''],
      ['{ pause: 10m }', ''],
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
        'rollout.steps[1]: found "5%", allowed is a step with exactly one of `weight`, `pause` and `mirror`',
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
  check(
    t,
    [
      ['{ kind: error-rate, max: 5% }', ''],
      ['{ kind: latency, quantile: 0.99, max: 500ms }', ''],
      ['{ kind: rmse, max: 3.5, labelWindow: 10m }', ''],
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
        `${at}.quantile: is missing: a number between 0 and 1, without both`,
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
        '{ kind: rmse, max: 5, labelWindow: 1m, cap: 0 }',
        `${at}.cap: found 0, allowed is a number above 0`,
      ],
    ],
    (found) =>
      file({
        service: `    observe: { prediction: body:/p }\n    analysis: { metrics: { x: ${found} } }`,
      }),
  )
  t.end()
})

t.test('the value of a secret is never shown', (t) => {
  const cases = [
    'admin: { tokens: [ { name: a, token: hidden-value, scopes: [read] } ] }',
    'admin: { tokens: [ { name: a, token: [hidden-value], scopes: [read] } ] }',
    'admin: { tokens: [ hidden-value ] }',
    'admin: { tokens: hidden-value }',
    'admin: { tokens: [ { name: a, token: hidden-value-hidden-value, scopes: [read] }, { name: b, token: hidden-value-hidden-value, scopes: [read] } ] }',
    'passthrough: http://user:hidden-value@h:1',
    'store: redis://:hidden-value/@h:6379/0',
  ]
  for (const top of cases) {
    const problems = problemsOf(file({ top })).join('\n')
    t.not(problems, '', top)
    t.notMatch(problems, /hidden-value/, top)
  }
  for (const split of ['override: hidden-value', 'override: { header: x, secret: [hidden-value] }'])
    t.notMatch(problemsOf(file({ service: `    split: { ${split} }` })).join(), /hidden-value/)
  t.match(problemsOf(file({ top: cases[0]! })), [
    'f:3:38: admin.tokens[0].token: found (hidden), allowed is a secret of at least 16 characters, best as "${ENV}"',
  ])
  t.match(problemsOf(file({ top: cases[6]! })), [
    'f:3:8: store: not supported yet: a store in Redis (found "redis://(hidden)@h:6379/0")',
  ])
  t.end()
})

t.test('scopes and events are words of a list, each once', (t) => {
  check(
    t,
    [
      [
        '[raed]',
        'admin.tokens[0].scopes[0]: found "raed": did you mean "read"? (allowed: read, operate, feedback)',
      ],
      ['[read, read]', 'admin.tokens[0].scopes: the same entry twice'],
      ['[]', 'admin.tokens[0].scopes: found nothing in it, allowed is at least one entry'],
      ['read', 'admin.tokens[0].scopes: found "read", allowed is a list'],
    ],
    (found) =>
      file({
        top: `admin: { tokens: [ { name: a, token: "0123456789abcdef", scopes: ${found} } ] }`,
      }),
  )
  t.end()
})

t.test('what YAML reads as a number and should be text is shown as written, with advice', (t) => {
  t.match(problemsOf(file().replace('"2"', '2.10')), [
    /canary.version: found 2.10, allowed is a version in quotes such as "2.0", .* \(put it in quotes\)$/,
  ])
  t.end()
})

t.test('long values are cut', (t) => {
  const [problem] = problemsOf(file({ service: `    split: { key: ${'k'.repeat(500)} }` }))
  t.match(problem, /found "k{60}…", allowed/)
  t.end()
})

t.test('names of services, variants and metrics are short and plain', (t) => {
  const said = 'it must be a name of at most 63 letters, digits, dots, dashes and underscores'
  t.match(problemsOf(file().replace('  m:', '  "m/n":')), [
    `f:5:3: services["m/n"]: the key "m/n" is not allowed: ${said}`,
  ])
  t.match(problemsOf(file().replace('  m:', `  ${'m'.repeat(64)}:`)), [said])
  t.end()
})
