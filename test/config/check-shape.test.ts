import t from 'tap'
import type { Schema } from '../../src/config/explain-shape-error.ts'
import { placeOfKey } from '../../src/config/place-of-key.ts'
import { ConfigSchema } from '../../src/config/schema.ts'
import { checkCases, file, problemsOf } from './problems-of.ts'

t.test('an unknown key names the nearest known one and all that are allowed', (t) => {
  const allowed = '(allowed: key, coin, rules, weights, override)'
  checkCases(
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
    'f:3:1: gatway: unknown key "gatway": did you mean "gateway"? (allowed: version, gateway, admin, store, lastWeights, feedback, passthrough, services)',
  ])
  t.match(problemsOf(file({ top: 'workers: auto' })), [
    /: workers: unknown key "workers": did you mean "gateway\.workers"\? \(allowed: version, gateway, /,
  ])
  t.match(
    problemsOf(file({ top: 'listen: 127.0.0.1:1' })),
    [/: listen: unknown key "listen" \(allowed/],
    'it may be of gateway or of admin',
  )
  t.end()
})

t.test('a key that stands elsewhere is told from where', (t) => {
  const said = (parts: Parameters<typeof file>[0]) => problemsOf(file(parts)).join()
  for (const [parts, place] of [
    [{ top: 'notify: []' }, 'services.NAME.notify'],
    [{ service: '    timeout: { firstByte: 1s }' }, 'services.NAME.variants.NAME.timeout'],
    [{ service: '    rollout: { minDuration: 1m }' }, 'services.NAME.rollout.steps[].minDuration'],
    [
      {
        service: '    analysis: { metrics: { e: { kind: error-rate, max: 5%, statuses: [503] } } }',
      },
      'services.NAME.errors.statuses',
    ],
  ] as const) {
    t.ok(said(parts).includes(`: did you mean "${place}"? (allowed: `), `${place}\n${said(parts)}`)
  }
  t.end()
})

t.test('a key that another kind of metric has is told by what this kind has in its place', (t) => {
  const told = (metric: string, found: string, meant: string) => {
    const said = problemsOf(file({ service: `    analysis: { metrics: { m: { ${metric} } } }` }))
    t.match(said.join(), `: unknown key "${found}"${meant} (allowed: kind, `)
  }
  told(
    'kind: accuracy, labelWindow: 1m, maxIncrease: 5%',
    'maxIncrease',
    ': did you mean "maxDecrease"?',
  )
  told('kind: error-rate, maxDecrease: 5%', 'maxDecrease', ': did you mean "maxIncrease"?')
  told('kind: error-rate, max: 5%, quantile: 0.5', 'quantile', '')
  told('kind: error-rate, max: 0,5%', '5%', ': a number has a point, such as 0.5%')
  t.end()
})

t.test('what is said of a place is so in the schema', (t) => {
  const places = new Map<string, string[]>()
  const walk = (schema: Schema, at: string): void => {
    for (const branch of schema.oneOf ?? []) walk(branch, at)
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      const path = at === '' ? key : `${at}.${key}`
      places.set(key, [...(places.get(key) ?? []), path])
      walk(inner, path)
    }
    if (typeof schema.additionalProperties === 'object')
      walk(schema.additionalProperties, `${at}.NAME`)
    if (schema.items !== undefined) walk(schema.items, `${at}[]`)
  }
  walk(ConfigSchema as unknown as Schema, '')
  const known = [...places].flatMap(([key, paths]) => {
    const place = placeOfKey(key, [])
    return place === null ? [] : [{ key, place, paths }]
  })
  t.ok(known.length > 25, `${known.length} keys`)
  for (const { key, place, paths } of known) t.ok(paths.includes(place), `${key}: ${place}`)
  t.end()
})

t.test('a missing key says what belongs there', (t) => {
  t.same(problemsOf('version: 1\ngateway: {}\nservices: { a: { match: {} } }\n'), [
    'f:2:1: gateway.listen: is missing: HOST:PORT such as 0.0.0.0:8080, 127.0.0.1:9090 or [::1]:8080',
    'f:3:13: services.a.variants: is missing: a map of names',
    'f:3:18: services.a.match.path: is missing: a path that starts with /, literal or ending in /*, such as /v2/models/m/*',
  ])
  t.match(
    problemsOf(file().replace('baseline:', 'stable:')).join('\n'),
    'f:7:5: services.m.variants.baseline: is missing: did you mean it by "stable"? (found: stable, canary; the version that serves by now is called so)',
  )
  t.match(
    problemsOf(file().replace('baseline:', 'a:').replace('canary:', 'b:')).join('\n'),
    'variants.baseline: is missing (found: a, b; the version',
  )
  t.match(
    problemsOf(
      'version: 1\ngateway: { listen: 127.0.0.1:0 }\nservices: { a: { match: { path: /a }, variants: {} } }\n',
    ).join(),
    'variants.baseline: is missing (found: nothing; ',
  )
  t.end()
})

t.test('sizes, counts, percentages and probabilities stay in their bounds', (t) => {
  checkCases(
    t,
    [
      ['limits: { body: 512B, header: 1.5KiB, inFlight: 1 }'],
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
      ['log: { access: { sample: 0 } }'],
      ['log: { access: { sample: 100% } }'],
      [
        'log: { access: { sample: 101% } }',
        'gateway.log.access.sample: found "101%", allowed is a percentage from 0% to 100% such as 5% or 0.1%',
      ],
      [
        'workers: many',
        'gateway.workers: found "many", allowed is a whole number from 1 to 256, or auto',
      ],
    ],
    (found) => file({ gateway: `, ${found}` }),
  )
  checkCases(
    t,
    [
      ['alpha: { rollback: 0.01 }'],
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
      ['minRequests: 0'],
      ['minRequests: 1e15'],
      [
        'minRequests: 1e20',
        'analysis.minRequests: found 1e20, which nothing is ever counted to, allowed is at most 1e15',
      ],
      [
        'minRequests: -1',
        'analysis.minRequests: found -1, allowed is a whole number of at least 0',
      ],
    ],
    (found) => file({ service: `    analysis: { ${found} }` }),
  )
  t.end()
})

t.test('a secret that no header carries is refused: nobody could ever show it', (t) => {
  const token = 'admin: { tokens: [ { name: a, token: "${S}", scopes: [read] } ] }'
  const metric =
    '    analysis: { metrics: { x: { kind: http, url: "http://h/", max: 1, secret: "${S}" } } }'
  const override = '    split: { override: { header: x, secret: "${S}" } }'
  const found = (S: string, parts: Parameters<typeof file>[0]) =>
    problemsOf(file(parts), { S }).map((problem) => /: found \(hidden\), allowed is/.test(problem))
  const good = '0123456789abcdef'
  // Most often the line end of a file that was put into a secret of Kubernetes.
  for (const bad of [`${good}\n`, `${good} x`, `${good}ä`]) {
    t.same(found(bad, { top: token }), [true], JSON.stringify(bad))
    t.same(found(bad, { service: metric }), [true], JSON.stringify(bad))
  }
  for (const bad of [`${good}\n`, ` ${good}`, `${good}\n${good}`, good.slice(1), ''])
    t.same(found(bad, { service: override }), [true], JSON.stringify(bad))
  t.same(found(good, { top: token }), [])
  t.same(found(good, { service: metric }), [])
  for (const S of [good, `${good} x`, `${good}ä`]) t.same(found(S, { service: override }), [])
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
    'store: redis://:hidden-value/@h:6379/none',
  ]
  for (const top of cases) {
    const problems = problemsOf(file({ top })).join('\n')
    t.not(problems, '', top)
    t.notMatch(problems, /hidden-value/, top)
  }
  for (const split of ['override: hidden-value', 'override: { header: x, secret: [hidden-value] }'])
    t.notMatch(problemsOf(file({ service: `    split: { ${split} }` })).join(), /hidden-value/)
  t.match(problemsOf(file({ top: cases[0]! })), [
    'f:3:38: admin.tokens[0].token: found (hidden), allowed is a secret of at least 16 characters of ASCII, without blanks and line ends, best as "${ENV}"',
  ])
  t.match(problemsOf(file({ top: cases[6]! })), [
    'f:3:8: store: found "redis://(hidden)@h:6379/none": the database is a number, as in redis://HOST:PORT/0',
  ])
  t.end()
})

t.test('scopes and events are words of a list, each once', (t) => {
  checkCases(
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
