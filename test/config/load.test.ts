import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { EXAMPLE_ENV } from './example-env.ts'
import { configOf, file, problemsOf, warningsOf } from './problems-of.ts'

const examples = [
  'example.yaml',
  ...readdirSync('config/examples').map((f) => join('examples', f)),
  ...['compose', 'edge', 'systemd'].map((place) => join('deploy', place, 'serin.yaml')),
]
for (const name of examples) {
  t.test(`the example ${name} is valid`, async (t) => {
    const result = await loadConfig(join('config', name), EXAMPLE_ENV)
    t.same(result.ok ? [] : result.problems.map(formatProblem), [])
  })
}

t.test('the example that shows every part is refused for what is not here alone', async (t) => {
  const result = await loadConfig('test/config/fixtures/every-part.yaml', EXAMPLE_ENV)
  const problems = result.ok ? [] : result.problems
  const service = 'services.credit-risk'
  t.same(
    problems.map(({ path }) => path),
    [
      ...['cert', 'key'].map((name) => `gateway.tls.${name}`),
      ...['ca', 'cert', 'key'].map((name) => `${service}.variants.canary.tls.${name}`),
      `${service}.split.weights`,
      `${service}.mirror[0].to`,
    ],
    'files, and weights beside a rollout',
  )
})

t.test('a file that is no UTF-8 is told so, and where', async (t) => {
  const path = `${t.testdir({})}/config.yaml`
  const messages = async (bytes: Uint8Array) => {
    writeFileSync(path, bytes)
    const result = await loadConfig(path, {})
    return result.ok ? [] : result.problems.map(formatProblem)
  }
  const before = Buffer.from('version: 1\n# Modell f')
  t.same(await messages(Buffer.concat([before, Buffer.from('\u00fcr', 'latin1')])), [
    `${path}:2: has bytes in this line that are no UTF-8: save the file as UTF-8`,
  ])
  t.same(await messages(Buffer.from('\ufeffversion: 1\n', 'utf16le')), [
    `${path}:1: is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)`,
  ])
  t.same(await messages(Buffer.from(`\ufeff${file()}`)), [], 'a byte order mark is none of it')
})

t.test('a file that cannot be read is a problem without a line', async (t) => {
  const folder = t.testdir({ 'locked.yaml': 'version: 1', 'config.yaml': file() })
  const messages = async (path: string) => {
    const result = await loadConfig(path, {})
    return result.ok ? [] : result.problems.map(formatProblem)
  }
  t.same(await messages(`${folder}/absent.yaml`), [`${folder}/absent.yaml: there is no such file`])
  t.same(await messages(folder), [`${folder}: is a directory: name the configuration file itself`])
  t.match(await messages(`${folder}/config.yaml/below`), [/could not be read: ENOTDIR/])
  chmodSync(`${folder}/locked.yaml`, 0)
  const isRoot = process.getuid?.() === 0
  if (!isRoot) t.match(await messages(`${folder}/locked.yaml`), [/may not be read/])
  const ok = await loadConfig(`${folder}/config.yaml`, {})
  t.equal(ok.ok && ok.config.file, `${folder}/config.yaml`)
})

t.test('every mistake is reported at once, in the order of the text', (t) => {
  const text = `version: 2
gateway: { listen: 8080 }
services:
  m:
    match: { path: /m }
    variants:
      baseline: { version: "1", upstreams: ["http://h:1/x"] }
      canary: { version: "1", upstreams: ["ftp://h"] }
    split: { weights: { canray: 5% } }
`
  t.same(problemsOf(text), [
    'f:1:10: version: found 2 (allowed: 1)',
    'f:2:20: gateway.listen: found 8080, allowed is HOST:PORT such as 0.0.0.0:8080, 127.0.0.1:9090 or [::1]:8080',
    'f:7:45: services.m.variants.baseline.upstreams[0]: found "http://h:1/x", allowed is scheme, host and port alone such as http://10.0.0.1:8000',
    'f:8:26: services.m.variants.canary.version: found "1", the version of baseline too: the variants of a service differ in version',
    'f:8:43: services.m.variants.canary.upstreams[0]: found "ftp://h", allowed is an origin such as http://10.0.0.1:8000',
    'f:9:33: services.m.split.weights.canray: found "canray", which is no variant of this service: did you mean "canary"? (allowed: baseline, canary)',
  ])
  t.end()
})

t.test('a text that is not YAML is refused with its place and without quoting it', (t) => {
  t.match(problemsOf('version: 1\nadmin: { token: "hidden-value\n'), [
    /^f:\d+:\d+: not valid YAML: /,
  ])
  for (const text of ['a: "hidden-value', 'a: b: hidden-value', '- hidden-value: [', 'a: @hidden'])
    t.notMatch(problemsOf(text).join('\n'), /hidden/)
  t.same(problemsOf('version: 1\n---\nversion: 1\n'), [
    'f:2:1: a second document begins here: the configuration is one document',
  ])
  t.same(problemsOf(''), ['f:1:1: the configuration is empty'])
  t.same(problemsOf('# nothing\n'), ['f:1:1: the configuration is empty'])
  t.match(problemsOf('[]'), [
    'f:1:1: found a list, allowed is a map with some of version, gateway, admin, store, lastWeights, feedback, passthrough, services',
  ])
  t.end()
})

t.test(
  'of a text that is not YAML the first mistake is told alone, with quotes where they fit',
  (t) => {
    const slip = 'services:\n  m: { observe: { prediction: outputs[0].data[0] } }\n  n: { a: 1 }\n'
    t.same(problemsOf(slip), [
      'f:2:38: not valid YAML: Unexpected flow-seq-start at node end: put the whole value in quotes, since brackets within { } or [ ] are YAML',
    ])
    t.match(problemsOf('a: [outputs[0]]\nb: 1\n'), [/^f:1:12: .*: put the whole value in quotes/])
    for (const text of ['a: b: c\n', 'a: @x\n', 'a: %x\n'])
      t.match(problemsOf(text), [
        /^f:1:4: .*: if this is one value, put the whole of it in quotes$/,
      ])
    t.match(problemsOf('a: [ 1, 2\nb: 1\n'), [/^f:2:1: not valid YAML: Flow sequence .* a \]$/])
    t.match(problemsOf('a: ]\nb: ]\n'), [/^f:1:4: not valid YAML: [^:]*$/])
    t.end()
  },
)

t.test('a quote that is not closed is told where it opens', (t) => {
  const open = (quote: string, then: string) =>
    `services:\n  m:\n    version: ${quote}1.4\n    ${then}\n    other: 1\n`
  for (const [quote, then] of [
    ['"', 'upstreams: ["http://h"]'],
    ["'", 'upstreams: http://h'],
    ['"', '# the rest'],
  ] as const)
    t.same(problemsOf(open(quote, then)), [
      'f:3:14: not valid YAML: the quote that opens here is not closed',
    ])
  t.same(problemsOf('a: { version: "1.4, upstreams: ["http://h"] }\n'), [
    'f:1:34: not valid YAML: this follows a text in quotes, which opens in line 1, column 15: a quote is missing there, or one is too many',
  ])
  t.match(problemsOf("a:\n  b: 'it's'\n"), [/^f:2:10: .* opens in line 2, column 6: a quote is/])
  t.end()
})

t.test('an indentation that differs is told with the line to compare it with', (t) => {
  const advice = (line: number) =>
    `not valid YAML: this begins in another column than its neighbours: compare its indentation with line ${line}`
  const service = (...lines: string[]) => ['services:', '  m:', ...lines, ''].join('\n')
  t.same(
    problemsOf(service('    rollout:', '    steps:', '      - { weight: 5% }', '      watch: 3m')),
    [`f:6:7: ${advice(4)}`],
  )
  t.same(problemsOf(service('    rollout:', '   steps:', '    - 1')), [`f:4:4: ${advice(2)}`])
  t.same(problemsOf(service('    a: 1', '', '    # a note', '     b: 2 # c')), [
    `f:6:6: ${advice(3)}`,
  ])
  t.end()
})

t.test('a line without its colon is told as such', (t) => {
  const asked = (what: string) =>
    `not valid YAML: this line is no key with a value: is a ${what} missing after its first `
  const colon = `${asked('colon')}word?`
  const blank = `${asked('blank')}colon?`
  const cases: readonly (readonly [text: string, said: string])[] = [
    ['version 1\ngateway: {}\n', `f:1:1: ${colon}`],
    ['gateway:\n  listen 0.0.0.0:8080 # all\n  health: /x\n', `f:2:3: ${colon}`],
    ['gateway:\n  health: /x\n  listen 0.0.0.0:8080\nservices: {}\n', `f:3:3: ${colon}`],
    ['services:\n  m:\n    match\n      path: /m\n', `f:3:5: ${colon}`],
    ['admin:\n  tokens:\n    - name ops\n      token: x\n', `f:3:7: ${colon}`],
    ['gateway:\n  listen:0.0.0.0:8080\n  health: /x\n', `f:2:3: ${blank}`],
    ['gateway:\n  listen:\u00a00.0.0.0:8080\n  health: /x\n', `f:2:3: ${blank}`],
    ['a: 1\nhttp://h:1\nb: 2\n', `f:2:1: ${colon}`],
    ['gateway:\r\n  listen x # all\r\n\r\n  # a note\r\n  health: /x\r\n', `f:2:3: ${colon}`],
  ]
  for (const [text, said] of cases) t.same(problemsOf(text), [said], text)
  t.match(problemsOf('a: 1\n"b"\nc: 2\n'), [/^f:2:1: not valid YAML: Implicit/])
  t.end()
})

t.test('a key that stands twice in a map is refused, and the rest is still checked', (t) => {
  const text = `version: 1\nversion: 1\ngateway: { listen: a }\nservices: {}\n`
  t.match(problemsOf(text), [
    'f:2:1: version: the same key twice in one map',
    /^f:3:20: gateway.listen: found "a"/,
    'f:4:11: services: found nothing in it, allowed is at least one entry',
  ])
  t.end()
})

t.test('keys that are no text are read as written or refused', (t) => {
  t.match(problemsOf('1.50: x\n'), [
    /^f:1:1: version: is missing/,
    /gateway: is missing/,
    /services: is missing/,
    /^f:1:1: \["1.50"\]: unknown key "1.50"/,
  ])
  t.match(problemsOf('? [a]\n: b\n'), [
    /is missing/,
    /is missing/,
    /is missing/,
    'f:1:3: a key is text: a map or a list cannot be one',
  ])
  t.match(problemsOf('a: &k key\n*k : b\n').join(), /f:2:1: key: unknown key "key"/)
  t.match(problemsOf('? \n: b\n').join(), /unknown key/)
  t.match(problemsOf('__proto__: { polluted: 1 }\n').join(), /unknown key "__proto__"/)
  t.end()
})

t.test('aliases and merges count as what they stand for', (t) => {
  const text = file({
    variants: `      third: &third { version: "3", upstreams: ["http://h:3"], timeout: { idle: 5s } }
      fourth: { <<: *third, version: "4" }
      fifth: { version: "5", <<: [ { timeout: { idle: 7s } }, *third ] }
      sixth: *third`,
  })
  t.match(problemsOf(text), [/variants.sixth.version: found "3", the version of third too/])
  const { variants } = configOf(text.replace('sixth: *third', '')).services[0]!
  t.same(
    variants.slice(2).map((v) => [v.name, v.version, v.upstreams, v.timeout.idleMs]),
    [
      ['third', '3', ['http://h:3'], 5000],
      ['fourth', '4', ['http://h:3'], 5000],
      ['fifth', '5', ['http://h:3'], 7000],
    ],
  )
  t.match(problemsOf(`<<: 5\n${file()}`), ['f:1:1: << takes a map, or a list of maps'])
  t.end()
})

t.test('an alias of nothing is refused wherever it stands', (t) => {
  const said = (place: string) => `f:${place}*x is the alias of nothing: no &x stands before it`
  t.match(problemsOf(file({ top: 'passthrough: *x' })), [said('3:14: passthrough: ')])
  t.match(problemsOf(file({ top: '<<: *x' })).join('\n'), said('3:5: '))
  t.match(problemsOf(file({ top: '*x : 5' })).join('\n'), said('3:1: '))
  t.match(problemsOf('*x').join('\n'), said('1:1: '))
  t.end()
})

t.test('an alias that contains itself and a bomb of aliases are refused', (t) => {
  const refused = /nested too deeply or repeated too often/
  const cyclic = problemsOf('services: &a { x: *a }\n')
  t.equal(cyclic.length, 1)
  t.match(cyclic[0], refused)
  t.match(problemsOf('services: &a { <<: *a }\n'), [refused])
  const bomb = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]']
  for (let i = 1; i < 8; i += 1)
    bomb.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`)
  t.match(problemsOf(bomb.join('\n')), [refused])
  t.end()
})

t.test('an unknown tag is a warning with its place', (t) => {
  t.match(warningsOf(file().replace('"1"', '!model "1"')), [
    /^f:8:28: not valid YAML: Unresolved tag/,
  ])
  t.end()
})

t.test('a text without a file is named as such', (t) => {
  const result = parseConfig('version: 1\n', { file: null, env: {} })
  t.match(result.ok ? '' : formatProblem(result.problems[0]!), /^\(configuration\):1:1: gateway: /)
  t.end()
})

t.test('variables of the environment are replaced in values', (t) => {
  const env = { HOST: '127.0.0.1', PORT: '8080', EMPTY: '', V: '2.0', N: '7', T: 'true' }
  const config = configOf(
    file({
      top: 'feedback: { maxPending: "${N}" }\npassthrough: "http://${HOST}:${PORT}"',
      gateway: ', limits: { body: "${SIZE:-8MiB}" }, health: "/$${x}"',
      service: '    idempotent: "${T}"',
      variants: '      v: { version: "${V}", upstreams: ["http://h:${EMPTY:-9}"] }',
    }),
    env,
  )
  t.equal(config.passthrough, 'http://127.0.0.1:8080')
  t.equal(config.feedback.maxPending, 7, 'a number where the schema asks for one')
  t.equal(config.services[0]!.idempotent, true)
  t.equal(config.services[0]!.variants[2]!.version, '2.0', 'text where it asks for text')
  t.same(config.services[0]!.variants[2]!.upstreams, ['http://h:9'], 'empty takes the default')
  t.equal(config.gateway.limits.bodyBytes, 8 * 1024 ** 2)
  t.equal(config.gateway.healthPath, '/${x}', '$${ is a literal ${')
  t.end()
})

t.test('a number in a list comes from the environment too', (t) => {
  const text = `    errors: { statuses: [500, "\${S}"] }`
  t.same(problemsOf(file({ service: text }), { S: '502' }), [])
  t.match(problemsOf(file({ service: text }), { S: 'x' }), [
    /statuses\[1\]: found "x", allowed is a status from 100 to 599/,
  ])
  t.match(problemsOf('${V}', { V: '7' }), [
    'f:1:1: found "7", allowed is a map with some of version, gateway, admin, store, lastWeights, feedback, passthrough, services',
  ])
  t.end()
})

t.test('keys are not replaced', (t) => {
  t.match(problemsOf(file({ top: '"${K}": 1' }), { K: 'admin' }), [/unknown key "\$\{K\}"/])
  t.end()
})

t.test('a variable that is not set is a problem where it stands, and the only one there', (t) => {
  t.same(problemsOf(file({ top: 'passthrough: "${WHERE}"' })), [
    'f:3:14: passthrough: the environment variable WHERE is not set: set it, or give a default with ${WHERE:-…}',
  ])
  t.same(problemsOf(file({ top: 'store: "lmdb:${WHERE-x}"' })), [
    'f:3:8: store: "${" starts none of ${NAME}, ${NAME:-default}, $${ (a default holds no variable)',
  ])
  // A shell would know what is meant: here the value of A would have come with a brace behind it.
  t.same(problemsOf(file({ top: 'store: "lmdb:${A:-${B}}"' }), { A: 'a', B: 'b' }), [
    'f:3:8: store: "${" starts none of ${NAME}, ${NAME:-default}, $${ (a default holds no variable)',
  ])
  t.end()
})
