import t from 'tap'
import { HOP_BY_HOP_NAMES } from '../../src/domain/header-names.ts'
import { checkCases, configOf, file, problemsOf, warningsOf } from './problems-of.ts'

t.test('an upstream is scheme, host and port alone, once per variant', (t) => {
  const said = (found: string) =>
    `variants.v.upstreams[0]: found "${found}", allowed is scheme, host and port alone such as http://10.0.0.1:8000`
  checkCases(
    t,
    [
      ['"https://h"'],
      ['"http://[::1]:8000"'],
      ['"http://h:1/"', said('http://h:1/')],
      ['"http://h:1/v2"', said('http://h:1/v2')],
      ['"http://h:1?x"', said('http://h:1?x')],
      [
        '"http://h:99999"',
        'variants.v.upstreams[0]: found "http://h:99999", a port is at most 65535',
      ],
      [
        '"http://$CANARY_HOST:1"',
        `${said('http://$CANARY_HOST:1')} (a variable of the environment is written \${CANARY_HOST})`,
      ],
      ['"http://a$:1"', said('http://a$:1')],
      ['"http://u:$p@h:1"', said('http://(hidden)@h:1')],
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
  t.match(problemsOf(file({ gateway: ', health: $HEALTH' })), [
    'f:2:41: gateway.health: found "$HEALTH", allowed is a path that starts with /, without * ? and # (a variable of the environment is written ${HEALTH})',
  ])
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
  checkCases(
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
  checkCases(
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

t.test("a key's own value may decide, where there is one that can be a number", (t) => {
  checkCases(
    t,
    [
      ['key: "header:x-coin", coin: value'],
      ['key: "body:/coin", coin: hash'],
      ['coin: hash'],
      [
        'coin: value',
        'split.coin: found value, but there is no key whose value it could be: name split.key',
      ],
      [
        'key: ip, coin: value',
        'split.coin: found value, but the key is ip, and an address is no number from 0 to 1',
      ],
      ['key: "header:x-coin", coin: number', 'split.coin: found "number" (allowed: hash, value)'],
    ],
    (found) => file({ service: `    split: { ${found} }` }),
  )
  const coinOf = (coin: string) =>
    configOf(file({ service: `    split: { key: header:x-coin, coin: ${coin} }` })).services[0]!
      .split.coin
  t.equal(coinOf('value'), 'value')
  t.equal(coinOf('hash'), undefined)
  t.end()
})

t.test('rules name variants and have conditions that can hold', (t) => {
  const when = 'split.rules[0].when["query:n"]'
  checkCases(
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

t.test('mirrors go to variants that do not answer already, of services that allow it', (t) => {
  const service = (mirror: string, idempotent = 'true') =>
    file({ service: `    idempotent: ${idempotent}\n    mirror: ${mirror}` })
  const needs =
    'mirror: needs `idempotent: true` of the service: a copy is a second request, and must do nothing that one does not'
  checkCases(
    t,
    [
      ['[]'],
      ['[ { to: canary } ]'],
      ['[ { to: canary, share: 0.5%, maxBody: 10MiB, tolerance: 0 } ]'],
      [
        '[ { to: baseline } ]',
        'mirror[0].to: found "baseline", which answers the requests: allowed is another variant',
      ],
      [
        '[ { to: canry } ]',
        'mirror[0].to: found "canry", which is no variant of this service: did you mean "canary"? (allowed: baseline, canary)',
      ],
      [
        '[ { to: canary }, { to: canary, share: 5% } ]',
        'mirror[1].to: found "canary" twice: a variant has one mirror',
      ],
      [
        '[ { to: canary, share: 0% } ]',
        'mirror[0].share: found "0%", allowed is a percentage above 0% up to 100% such as 10%',
      ],
      ['[ {} ]', 'mirror[0].to: is missing: text'],
      ['[ { to: 7 } ]', 'mirror[0].to: found 7, allowed is text (put it in quotes)'],
    ],
    service,
  )
  checkCases(t, [['[ { to: canary } ]', needs]], (found) => service(found, 'false'))
  checkCases(t, [['[]']], (found) => service(found, 'false'))
  t.match(problemsOf(file({ service: '    mirror: [ { to: canary } ]' })), [/needs `idempotent/])
  t.match(problemsOf(service('[ { to: canary } ]', 'perhaps')), [/m.idempotent: found "perhaps"/])
  t.end()
})

t.test('a method that no request can have is a mistake', (t) => {
  const withMethods = (methods: string) =>
    problemsOf(file().replace('path: /m ', `path: /m, methods: [${methods}] `))
  t.same(withMethods('post, PROPFIND'), [])
  t.same(withMethods('GET, PSOT'), [
    'f:6:39: services.m.match.methods[1]: found "PSOT", which is no HTTP method: did you mean "POST"?',
  ])
  t.match(withMethods('FROB'), [/found "FROB", which is no HTTP method$/])
  t.end()
})

t.test('the headers that are written are none that requests live by', (t) => {
  const framing = 'which frames messages or concerns one connection'
  const guarded = 'which holds credentials or cookies, or says who forwarded a message'
  const taken = [
    ['content-length', framing],
    ['Transfer-Encoding', framing],
    ['connection', framing],
    ['host', framing],
    ['trailer', framing],
    ['cookie', guarded],
    ['set-cookie', guarded],
    ['Authorization', guarded],
    ['x-forwarded-for', guarded],
    ['forwarded', guarded],
    ['via', guarded],
  ] as const
  const id = (name: string) => file({ service: `    observe: { requestId: "header:${name}" }` })
  const override = (name: string) =>
    file({ service: `    split: { override: { header: ${name}, secret: 0123456789abcdef } }` })
  for (const [name, why] of taken) {
    const found = `found ${name.toLowerCase()}, ${why}: take one of your own such as`
    const ofId = `services.m.observe.requestId: ${found} x-request-id`
    const ofOverride = `services.m.split.override.header: ${found} x-serin-variant`
    t.match(problemsOf(id(name)), [endsWith(ofId)], name)
    t.match(problemsOf(override(name)), [endsWith(ofOverride)], name)
  }
  for (const name of HOP_BY_HOP_NAMES) t.equal(problemsOf(id(name)).length, 1, name)
  t.match(problemsOf(id('x-serin-variant')), [/found x-serin-variant, which serin writes itself$/])
  for (const name of ['x-request-id', 'traceparent', 'x-amzn-trace-id', 'x-serin-id'])
    t.same(problemsOf(id(name)), [], name)
  t.same(problemsOf(override('x-serin-variant')), [])
  t.end()
})

t.test('an override secret is as long as a token', (t) => {
  const override = (secret: string) =>
    file({ service: `    split: { override: { header: x, secret: ${secret} } }` })
  t.match(problemsOf(override('fifteen-letters')), [
    /split.override.secret: found \(hidden\), allowed is a secret of at least 16 characters/,
  ])
  t.same(problemsOf(override('sixteen--letters')), [])
  t.end()
})

function endsWith(text: string): RegExp {
  return new RegExp(`${text.replaceAll('.', '\\.')}$`)
}
