import t from 'tap'
import { LOCAL_ACTOR } from '../../src/admin/auth.ts'
import { EVALUATOR } from '../../src/rollout/transition.ts'
import { checkCases, file, problemsOf } from './problems-of.ts'

t.test('addresses have a port that exists, and the two ports differ', (t) => {
  const text = (listen: string, admin = '127.0.0.1:9090') =>
    file({ top: `admin: { listen: "${admin}" }` }).replace('127.0.0.1:0', `"${listen}"`)
  checkCases(
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
  checkCases(
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
  checkCases(
    t,
    [
      [`${token('a', 'a'.repeat(16))}, ${token('b', 'b'.repeat(16))}`],
      [token('a', 'a'.repeat(16), ', expires: 2028-02-29')],
      [
        `${token('a', 'a'.repeat(16))}, ${token('a', 'b'.repeat(16))}`,
        'admin.tokens[1].name: found "a" twice: the name is the actor in the log',
      ],
      [token('evaluators', 'a'.repeat(16))],
      ...[EVALUATOR, 'Configuration', LOCAL_ACTOR, 'breaker@gw-1'].map(
        (name) =>
          [
            token(name, 'a'.repeat(16)),
            `admin.tokens[0].name: found "${name}", as which serin itself acts in the log: take another name`,
          ] as const,
      ),
      [
        `${token('a', 'a'.repeat(16))}, ${token('b', 'a'.repeat(16))}`,
        'admin.tokens[1].token: found (hidden), the token of another name too',
      ],
      [
        token('a', 'replace-me-operator'),
        'admin.tokens[0].token: found (hidden), the placeholder of an example, which everybody knows: write one of your own (openssl rand -hex 24)',
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
      [
        '{ name: a, token: "0123456789abcdef", scopes: [operate], services: [n] }',
        'admin.tokens[0].services[0]: found "n", which is no service of the file: did you mean "m"?',
      ],
      ['{ name: a, token: "0123456789abcdef", scopes: [operate], services: [m] }'],
    ],
    (found) => file({ top: `admin: { tokens: [ ${found} ] }` }),
  )
  t.end()
})

t.test('trusted proxies are addresses or CIDRs', (t) => {
  const said = (found: string) =>
    `gateway.trustedProxies[0]: found "${found}", allowed is an address or CIDR such as 10.0.0.0/8`
  checkCases(
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

t.test('idle connections to upstreams are kept for more than nothing, and an hour at most', (t) => {
  const keep = (time: string) =>
    problemsOf(
      file({
        variants: `      v: { version: "3", upstreams: ["http://h"], timeout: { keepAlive: ${time} } }`,
      }),
    )
  t.same(keep('1h'), [])
  t.same(keep('1ms'), [])
  t.match(keep('61m'), [
    /timeout.keepAlive: found "61m", allowed are durations up to 1h: servers, firewalls and address translation drop a connection sooner$/,
  ])
  for (const none of ['0s', '-1s', 'off']) {
    t.match(keep(none), [/timeout.keepAlive: found "?.*, allowed is a duration above 0 such as/])
  }
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
