import t, { type Test } from 'tap'
import { file, problemsOf, warningsOf } from './problems-of.ts'

/** One part of a file, and all that is said about it (after file, line, column and `services.m.`). */
type Case = readonly [found: string, ...said: string[]]

function check(t: Test, cases: readonly Case[], wrap: (found: string) => string): void {
  for (const [found, ...said] of cases) {
    const problems = problemsOf(wrap(found)).map((problem) =>
      problem.replace(/^f:\d+:\d+: (services\.m\.)?/, ''),
    )
    t.same(problems, said, found)
  }
}

t.test('addresses have a port that exists, and the two ports differ', (t) => {
  const text = (listen: string, admin = '127.0.0.1:9090') =>
    file({ top: `admin: { listen: "${admin}" }` }).replace('127.0.0.1:0', `"${listen}"`)
  check(
    t,
    [
      ['0.0.0.0:65535'],
      ['[::1]:0'],
      ['model-gateway:80'],
      ['0.0.0.0:65536', 'gateway.listen: found "0.0.0.0:65536", allowed are ports up to 65535'],
      ['127.0.0.1:9090', 'gateway.listen: 127.0.0.1:9090 is the address of the admin port too'],
      [
        '::1:80',
        'gateway.listen: found "::1:80", allowed is HOST:PORT such as 0.0.0.0:8080, 127.0.0.1:9090 or [::1]:8080',
      ],
    ],
    text,
  )
  t.same(problemsOf(text('127.0.0.1:0', '127.0.0.1:0')), [], 'port 0 is another port each time')
  t.match(problemsOf(text('127.0.0.1:0', '127.0.0.1:99999')), [/admin.listen: .* up to 65535/])
  t.end()
})

t.test('the admin port is open to others only with tokens', (t) => {
  const refusal =
    'admin.listen: admin.listen is not on loopback: name at least one token under admin.tokens, or listen on 127.0.0.1'
  check(
    t,
    [
      ['listen: 0.0.0.0:9090', refusal],
      ['listen: "[::]:9090"', refusal],
      ['listen: 10.0.0.1:9090, tokens: []', refusal],
      ['listen: gateway:9090', refusal],
      ['listen: "[::ffff:10.0.0.1]:9090"', refusal],
      ['listen: localhost:9090'],
      ['listen: 127.1.2.3:9090'],
      ['listen: "[::1]:9090"'],
      ['listen: "[::ffff:127.0.0.1]:9090"'],
      ['listen: 0.0.0.0:9090, tokens: [ { name: a, token: "0123456789abcdef", scopes: [read] } ]'],
    ],
    (found) => file({ top: `admin: { ${found} }` }),
  )
  t.end()
})

t.test('tokens differ in name and value and end on a day of the calendar', (t) => {
  const token = (name: string, value: string, more = '') =>
    `{ name: ${name}, token: ${value}, scopes: [read]${more} }`
  check(
    t,
    [
      [`${token('a', 'a'.repeat(16))}, ${token('b', 'b'.repeat(16))}`],
      [token('a', 'a'.repeat(16), ', expires: 2028-02-29')],
      [
        `${token('a', 'a'.repeat(16))}, ${token('a', 'b'.repeat(16))}`,
        'admin.tokens[1].name: found "a" twice: the name is the actor in the log',
      ],
      [
        `${token('a', 'a'.repeat(16))}, ${token('b', 'a'.repeat(16))}`,
        'admin.tokens[1].token: found (hidden), the token of another name too',
      ],
      [
        token('a', 'a'.repeat(16), ', expires: 2027-02-29'),
        'admin.tokens[0].expires: found "2027-02-29", which is no day of the calendar',
      ],
      [
        token('a', 'a'.repeat(16), ', expires: 2027-13-01'),
        'admin.tokens[0].expires: found "2027-13-01", which is no day of the calendar',
      ],
      [
        token('a', 'a'.repeat(16), ', expires: soon'),
        'admin.tokens[0].expires: found "soon", allowed is a day such as 2027-06-30',
      ],
    ],
    (found) => file({ top: `admin: { tokens: [ ${found} ] }` }),
  )
  t.end()
})

t.test('trusted proxies are addresses or CIDRs', (t) => {
  const said = (found: string) =>
    `gateway.trustedProxies[0]: found "${found}", allowed is an address or CIDR such as 10.0.0.0/8`
  check(
    t,
    [
      ['10.0.0.0/8'],
      ['10.0.0.1'],
      ['fd00::/8'],
      ['10.0.0.0/33', said('10.0.0.0/33')],
      ['proxy', said('proxy')],
    ],
    (found) => file({ gateway: `, trustedProxies: ["${found}"]` }),
  )
  t.end()
})

t.test('an upstream is scheme, host and port alone, once per variant', (t) => {
  const said = (found: string) =>
    `variants.v.upstreams[0]: found "${found}", allowed is scheme, host and port alone such as http://10.0.0.1:8000`
  check(
    t,
    [
      ['"https://h"'],
      ['"http://[::1]:8000"'],
      ['"http://h:1/"', said('http://h:1/')],
      ['"http://h:1/v2"', said('http://h:1/v2')],
      ['"http://h:1?x"', said('http://h:1?x')],
      ['"http://h:99999"', said('http://h:99999')],
      ['"http://u:p@h:1"', said('http://(hidden)@h:1')],
      ['"http://h:80", "HTTP://H"', 'variants.v.upstreams[1]: found http://h twice'],
      [
        '"h:80"',
        'variants.v.upstreams[0]: found "h:80", allowed is an origin such as http://10.0.0.1:8000',
      ],
    ],
    (found) => file({ variants: `      v: { version: "3", upstreams: [${found}] }` }),
  )
  t.match(problemsOf(file({ top: 'passthrough: http://h/x' })), [/passthrough: found "http:/])
  t.end()
})

t.test('the variants of a service differ in version', (t) => {
  const v = 'upstreams: ["http://h"]'
  t.same(
    problemsOf(
      file({ variants: `      v: { version: "1", ${v} }\n      w: { version: "1", ${v} }` }),
    ),
    [
      'f:10:21: services.m.variants.v.version: found "1", the version of baseline too: the variants of a service differ in version',
      'f:11:21: services.m.variants.w.version: found "1", the version of baseline too: the variants of a service differ in version',
    ],
  )
  t.end()
})

t.test('paths are literal or end in /*, and a rewrite has the form of the match', (t) => {
  const said = (found: string) =>
    `match.path: found "${found}": * is allowed only as the last part (/v2/models/m/*), ? and # nowhere`
  check(
    t,
    [
      ['/'],
      ['/*'],
      ['/a/b'],
      ['/a*', said('/a*')],
      ['/a/*/b', said('/a/*/b')],
      ['/*/*', said('/*/*')],
      ['/a?b', said('/a?b')],
    ],
    (found) => file().replace('path: /m', `path: "${found}"`),
  )
  const rewritten = (match: string, path: string) =>
    file({
      variants: `      v: { version: "3", upstreams: ["http://h"], path: "${path}" }`,
    }).replace('path: /m ', `path: "${match}" `)
  t.same(problemsOf(rewritten('/a/*', '/b/*')), [])
  t.same(problemsOf(rewritten('/a', '/b')), [])
  t.match(problemsOf(rewritten('/a/*', '/b')), [
    /variants.v.path: found "\/b": it must end in \/\* exactly when match.path \("\/a\/\*"\) does/,
  ])
  t.match(problemsOf(rewritten('/a', '/b/*')), [/must end in/])
  t.match(problemsOf(rewritten('/a', '/b*')), [/only as the last part/])
  t.end()
})

t.test('two services that match the same requests are refused', (t) => {
  const two = (a: string, b: string) => `version: 1
gateway: { listen: 127.0.0.1:0 }
services:
  a: { match: { path: /x/*, ${a} }, variants: { baseline: { version: "1", upstreams: ["http://h"] } } }
  b: { match: { path: /x/*, ${b} }, variants: { baseline: { version: "1", upstreams: ["http://h"] } } }
`
  const tie = [
    'f:5:23: services.b.match.path: found "/x/*", which ties with the service a: same host, same path, and methods in common',
  ]
  t.same(problemsOf(two('', '')), tie)
  t.same(problemsOf(two('methods: [POST]', '')), tie)
  t.same(problemsOf(two('methods: [POST, GET]', 'methods: [PUT, post]')), tie)
  t.same(problemsOf(two('host: H.example', 'host: h.example')), tie)
  t.same(problemsOf(two('methods: [POST]', 'methods: [GET]')), [])
  t.same(problemsOf(two('host: a', 'host: b')), [])
  t.same(problemsOf(two('host: a', '')), [])
  t.same(problemsOf(two('', '').replace('/x/*', '/x/y/*')), [])
  t.end()
})

t.test('a service that matches the health path is warned about', (t) => {
  const warning = /services.m.match.path: matches the health path \/-\/ready too/
  t.match(warningsOf(file().replace('path: /m', 'path: /*')), [warning])
  t.match(warningsOf(file().replace('path: /m', 'path: /-/ready')), [warning])
  t.same(warningsOf(file()), [])
  t.match(warningsOf(file({ gateway: ', health: /m' })), [/health path \/m too/])
  t.end()
})

t.test('weights name variants and leave room for the baseline', (t) => {
  check(
    t,
    [
      ['canary: 100%'],
      ['canary: 40%, baseline: 60%'],
      [
        'canary: 40%, baseline: 50%',
        'split.weights: found a sum of 90%: with the baseline named it must be 100% (leave it out to give it the rest)',
      ],
      ['canary: 60%, other: 60%', 'split.weights: found a sum of 120%, allowed is at most 100%'],
      [
        'shadow: 5%',
        'split.weights.shadow: found "shadow", which is no variant of this service (allowed: baseline, canary, other)',
      ],
    ],
    (found) =>
      file({
        variants: '      other: { version: "3", upstreams: ["http://h"] }',
        service: `    split: { weights: { ${found} } }`,
      }),
  )
  t.end()
})

t.test('rules name variants and have conditions that can hold', (t) => {
  const when = 'split.rules[0].when["query:n"]'
  check(
    t,
    [
      ['{ when: { "query:n": { gte: 1, lt: 2 } }, variant: canary }'],
      ['{ when: { "query:n": { gte: 1, lte: 1 } }, variant: baseline }'],
      ['{ when: { "query:n": { prefix: a } }, weights: { canary: 50% } }'],
      ['{ when: { "query:n": [a, 1, true, "1.0", 1.5] }, variant: canary }'],
      [
        '{ when: { "query:n": [1.0] }, variant: canary }',
        `${when}[0]: found 1.0, which YAML reads as 1: put it in quotes`,
      ],
      [
        '{ when: { "query:n": [a] }, variant: canry }',
        'split.rules[0].variant: found "canry", which is no variant of this service: did you mean "canary"? (allowed: baseline, canary)',
      ],
      [
        '{ when: { "query:n": [a] }, weights: { canary: 70%, baseline: 70% } }',
        'split.rules[0].weights: found a sum of 140%: with the baseline named it must be 100% (leave it out to give it the rest)',
      ],
      [
        '{ when: { "query:n": { gte: 1, gt: 1 } }, variant: canary }',
        `${when}: found gte and gt: allowed is one of the two`,
      ],
      [
        '{ when: { "query:n": { lte: 1, lt: 1 } }, variant: canary }',
        `${when}: found lte and lt: allowed is one of the two`,
      ],
      [
        '{ when: { "query:n": { prefix: a, lt: 1 } }, variant: canary }',
        `${when}: found a prefix and a range: allowed is one of the two`,
      ],
      [
        '{ when: { "query:n": { gt: 1, lte: 1 } }, variant: canary }',
        `${when}: found a range from 1 to 1, in which no number lies`,
      ],
      [
        '{ when: { "query:n": { gte: 2, lte: 1 } }, variant: canary }',
        `${when}: found a range from 2 to 1, in which no number lies`,
      ],
      [
        '{ when: { "query:n": {} }, variant: canary }',
        `${when}: found nothing in it, allowed is at least one entry`,
      ],
    ],
    (found) => file({ service: `    split: { rules: [ ${found} ] }` }),
  )
  t.end()
})

t.test('a rollout moves a canary, and nothing else moves the weights', (t) => {
  const rollout = '    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
  t.same(problemsOf(file({ service: rollout })), [])
  t.match(problemsOf(file({ service: rollout }).replace('canary:', 'other:')), [
    /services.m.rollout: moves the variant `canary`, but variants has none of that name/,
  ])
  t.match(problemsOf(file({ service: `${rollout}\n    split: { weights: { canary: 5% } }` })), [
    /split.weights: found together with rollout, which moves the weights by itself/,
  ])
  t.end()
})

t.test('steps begin with a weight, rise and end at 100 %', (t) => {
  const none = 'rollout.steps: found no weight below 100%: at least one must come before it'
  check(
    t,
    [
      ['{ weight: 5% }, { pause: {} }, { weight: 20% }, { pause: 10m }, { weight: 100% }'],
      ['{ weight: 100% }', none],
      [
        '{ weight: 5% }, { weight: 50% }',
        'rollout.steps[1]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 5% }, { weight: 100% }, { pause: {} }',
        'rollout.steps[2]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 20% }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[1].weight: found 5% after 20%: weights must rise from step to step',
      ],
      [
        '{ weight: 20% }, { weight: 20% }, { weight: 100% }',
        'rollout.steps[1].weight: found 20% after 20%: weights must rise from step to step',
      ],
      [
        '{ weight: 0% }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[0].weight: found 0%: a step gives the canary some traffic',
      ],
      [
        '{ pause: {} }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[0]: is a pause: the first step of a canary has a weight',
      ],
      [
        '{ pause: {} }',
        none,
        'rollout.steps[0]: is a pause: the first step of a canary has a weight',
        'rollout.steps[0]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 5% }, { pause: {}, minDuration: 1m, minRequests: 5 }, { weight: 100% }',
        'rollout.steps[1].minDuration: has no meaning in a pause: it belongs to a weight step',
        'rollout.steps[1].minRequests: has no meaning in a pause: it belongs to a weight step',
      ],
      ['{ mirror: 100% }', none, 'rollout.steps[0].mirror: not supported yet: mirror steps'],
    ],
    (found) => file({ service: `    rollout: { steps: [ ${found} ] }` }),
  )
  t.end()
})

t.test('a metric has something to be judged by and data to be judged on', (t) => {
  const at = 'analysis.metrics'
  const nothing = 'has nothing to be judged by: it needs maxIncrease and/or max'
  const metrics = (found: string, more = 'observe: { prediction: body:/p }') =>
    file({ service: `    ${more}\n    analysis: { metrics: { ${found} } }` })
  check(
    t,
    [
      ['x: { kind: error-rate, maxIncrease: 0 }'],
      ['x: { kind: error-rate }', `${at}.x: ${nothing}`],
      ['x: { kind: latency, quantile: 0.5 }', `${at}.x: ${nothing}`],
      ['x: { kind: rmse, labelWindow: 1m }', `${at}.x: ${nothing}`],
      [
        'no-answer: { kind: error-rate, max: 1% }',
        `${at}.no-answer: found a name that serin uses itself: choose another`,
      ],
      [
        'x: { kind: rmse, max: 1, labelWindow: 8d }',
        `${at}.x.labelWindow: found 8d, allowed is at most feedback.retention (7d)`,
      ],
    ],
    metrics,
  )
  t.match(problemsOf(metrics('x: { kind: rmse, max: 1, labelWindow: 1m }', 'observe: {}')), [
    /metrics.x: compares labels with predictions, but nothing says where those are: name observe.prediction/,
  ])
  t.end()
})

t.test('an analysis without a rollout is warned about', (t) => {
  t.same(warningsOf(file({ service: '    analysis: { warmUp: 0 }' })), [
    'f:11:15: services.m.analysis: is not used: the service has no rollout',
  ])
  t.end()
})

t.test('durations that drive timers are at most 24 days', (t) => {
  t.match(problemsOf(file({ gateway: ', drain: { wait: 0, deadline: 25d }' })), [
    /gateway.drain.deadline: found "25d", allowed are durations up to 24d/,
  ])
  const slow = '      v: { version: "3", upstreams: ["http://h"], timeout: { total: 600h } }'
  t.match(problemsOf(file({ variants: slow })), [/timeout.total: found "600h"/])
  t.end()
})

t.test('checks of meaning stay silent where the shape was refused', (t) => {
  t.same(
    problemsOf(
      file({
        service:
          '    split: { rules: 5, weights: { canary: x } }\n    rollout: { steps: 5 }\n    analysis: 5\n    observe: x',
        top: 'admin: { tokens: { listen: 5 } }',
      }),
    ).map((problem) => problem.replace(/^f:\d+:\d+: (\S+): .*$/, '$1')),
    [
      'admin.tokens',
      'services.m.split.rules',
      'services.m.split.weights',
      'services.m.split.weights.canary',
      'services.m.rollout.steps',
      'services.m.analysis',
      'services.m.observe',
    ],
  )
  t.end()
})
