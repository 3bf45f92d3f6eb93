import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ERRORS, type ErrorCode } from '../../src/domain/errors.ts'
import { createFakeDeps, fakeStatus, LOOPBACK } from '../admin/fake-deps.ts'
import { run, serveAdmin } from './fake-io.ts'

/** The API as it never is in these tests otherwise: one answer to everything. */
async function serveAlways(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function serveProblem(t: Test, code: ErrorCode, more: object = {}): Promise<string> {
  const { status } = ERRORS[code]
  return serveAlways(t, (_request, response) => {
    const body = { status, code, detail: 'what happened', ...more }
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(body))
  })
}

t.test(
  'Whatever the gateway answers, its words, the next step and the code are told.',
  async (t) => {
    const cases: readonly [ErrorCode, number, string][] = [
      ['SERIN_UNAUTHENTICATED', 3, 'Set SERIN_TOKEN, or give --token'],
      ['SERIN_FORBIDDEN', 3, 'Set SERIN_TOKEN to a token that may'],
      ['SERIN_UNKNOWN_SERVICE', 1, '`serin status` shows those that there are'],
      ['SERIN_NOT_FOUND', 1, '`serin decisions ranking` lists what was decided'],
      ['SERIN_REFUSED', 3, '`serin status ranking` shows how it stands'],
      ['SERIN_STALE_REVISION', 3, 'look (`serin status ranking`), then give the command again'],
      ['SERIN_BODY_TOO_LARGE', 1, 'Send it in smaller parts'],
      ['SERIN_STORE_FAILED', 3, 'shows whether the store is still so'],
      ['SERIN_INTERNAL', 3, "The gateway's log says what"],
    ]
    for (const [code, exitCode, advice] of cases) {
      const admin = await serveProblem(t, code)
      const told = await run(['promote', 'ranking', '--admin', admin])
      t.equal(told.exitCode, exitCode, code)
      t.ok(told.stderr.startsWith('serin: what happened. '), told.stderr)
      t.ok(told.stderr.includes(advice), told.stderr)
      t.ok(told.stderr.endsWith(`[${code}]\n`), told.stderr)
    }
    const bad = await serveProblem(t, 'SERIN_BAD_REQUEST')
    t.equal(
      (await run(['status', '--admin', bad])).stderr,
      'serin: what happened [SERIN_BAD_REQUEST]\n',
    )
  },
)

t.test('What concerns no service has advice of its own.', async (t) => {
  const old = await serveProblem(t, 'SERIN_NOT_FOUND')
  t.match((await run(['reload', '--admin', old])).stderr, /of the version of this command line/)
  const refused = await serveProblem(t, 'SERIN_REFUSED')
  t.match((await run(['reload', '--admin', refused])).stderr, /`serin status` shows how it stands/)
  const admin = await serveProblem(t, 'SERIN_CONFIG_INVALID', { problems: ['a.yaml:1:2: x', 'y'] })
  t.equal(
    (await run(['reload', '--admin', admin])).stderr,
    "serin: what happened. Mend these in the gateway's file, try it with `serin check`, and reload again [SERIN_CONFIG_INVALID]\n  a.yaml:1:2: x\n  y\n",
  )
})

t.test('A service that is mistyped is told with the nearest and the known ones.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  for (const argv of [
    ['status'],
    ['explain'],
    ['weights'],
    ['abort'],
    ['wait', '--for', 'promoted'],
  ]) {
    const told = await run([...argv, 'credit-rsk', '--admin', admin])
    t.equal(told.exitCode, 1)
    t.equal(
      told.stderr,
      'serin: there is no service "credit-rsk": did you mean "credit-risk"? Known: credit-risk, fixed. `serin status` shows those that there are [SERIN_UNKNOWN_SERVICE]\n',
    )
  }
  const names = Array.from({ length: 23 }, (_, i) => `service-${i}`)
  const many = names.map((name) => fakeStatus(null, name))
  const crowded = await serveAdmin(t, createFakeDeps({ services: () => many }))
  const told = await run(['status', 'nobody', '--admin', crowded])
  t.match(told.stderr, /known: service-0, .*service-19 and 3 more\./)
})

t.test('A token that is missing, wrong or too weak is told with what to do.', async (t) => {
  const tokens = [
    { name: 'ci', token: 'right', scopes: ['read'] as const, services: null, expiresAt: null },
  ]
  const admin = await serveAdmin(t, createFakeDeps(), { ...LOOPBACK, tokens })
  const as = async (token: string | undefined) =>
    (await run(['abort', 'credit-risk'], { env: { SERIN_ADMIN: admin, SERIN_TOKEN: token } }))
      .stderr
  t.match(await as(undefined), /send a token .*Set SERIN_TOKEN, or/)
  t.match(await as('wrong'), /this token is not known\. Set SERIN_TOKEN, or/)
  t.match(await as('right'), /this needs operate\. Set SERIN_TOKEN to a token that may/)
})

t.test('Why no gateway was reached is told as far as it can be known.', async (t) => {
  const dropped = await serveAlways(t, (request) => request.socket.destroy())
  const told = await run(['status', '--admin', dropped])
  t.equal(told.exitCode, 2)
  t.match(told.stderr, /the connection broke: .*Point to another one with --admin URL/)
  const tls = await run(['status', '--admin', dropped.replace('http:', 'https:')])
  t.equal(tls.exitCode, 2)
  t.match(tls.stderr, /it speaks no TLS: is it http:\/\/ that is meant\?/)
  const name = await run(['status', '--admin', 'http://no-such-host.invalid:9090'])
  t.equal(name.exitCode, 2)
  t.match(name.stderr, /is the name of the host right\?/)
})

t.test('Mistakes of the command line say what would be right.', async (t) => {
  const folder = t.testdir({ 'fixed.yaml': FIXED })
  const admin = await serveAdmin(t, createFakeDeps({ decisions: async () => [] }))
  const missing = join(folder, 'none.yaml')
  const fixed = join(folder, 'fixed.yaml')
  const cases: readonly [readonly string[], RegExp][] = [
    [
      ['check', '-c', missing],
      /there is no such file\n`serin init` writes a first one, and -c names another/,
    ],
    [['serve', '-c', missing], /`serin init` writes a first one/],
    [['feedback', missing], /there is no such file; give a file with one JSON object a line/],
    [['feedback', folder], /it is a folder; give a file/],
    [
      ['explain', 'credit-risk'],
      /no decisions yet; the first is made when .*serin status credit-risk/,
    ],
    [['wait', 'fixed', '--for', 'promoted'], /no rollout to wait for; `serin status fixed` shows/],
    [['plan'], /name the service \(`serin status` lists them\), or a file with -c/],
    [['plan', '-c', fixed], /give --rps/],
    [['backtest'], /name the service whose record is judged, or make traffic up with --rps/],
    [
      ['backtest', '-c', fixed, '--rps', '5', 'abn'],
      /give it a rollout, or name another file with -c/,
    ],
    [
      ['backtest', '-c', fixed, '--rps', '5', 'abm'],
      /no service "abm" \(.* has: abn\): did you mean "abn"\?/,
    ],
    [['backtest', 'credit-risk'], /nothing to judge again before .*--rps makes some up/],
    [['--all'], /^serin: unknown option '--all': `serin help` says what there is\n$/],
    [
      ['status', '--wacth'],
      /^serin: unknown option '--wacth' \(did you mean --watch\?\): `serin help status` says what there is\n$/,
    ],
    [
      ['wait', 'credit-risk'],
      /^serin: required option '--for <end>' not specified: `serin help wait` says what there is\n$/,
    ],
    [['weights', 'fixed', 'canary:20'], /Write it as canary=20.*: `serin help weights` says/],
    [
      ['check', 'a.yaml'],
      /^serin: "check" takes its file by an option: `serin check -c a\.yaml`\n$/,
    ],
    [['serve', 'a.yaml'], /`serin serve -c a\.yaml`\n$/],
    [
      ['explain', 'a', '1', '2'],
      /^serin: too many arguments for 'explain'.* got 3: `serin help explain` says what there is\n$/,
    ],
    [['status', 'a', 'b'], /^serin: too many arguments for 'status'/],
    [
      ['help', 'statsu'],
      /^serin: unknown command "statsu": did you mean "status"\? \(`serin help` lists them\)\n$/,
    ],
    [['help', 'foo'], /^serin: unknown command "foo" \(`serin help` lists them\)\n$/],
    [
      ['abort', 'fixed', '--reason', '--admin', admin],
      /^serin: option '--reason <text>' argument '--admin' is invalid\. It is the next option: a reason comes before it, in quotes: `serin help abort` says/,
    ],
    [['weights', 'fixed', 'canary=5', '--reason', '--admin'], /It is the next option/],
    [
      ['status', '--admin', 'localhost:9090'],
      /give one like http:\/\/127\.0\.0\.1:9090 \(--admin or SERIN_ADMIN\)/,
    ],
  ]
  for (const [argv, wanted] of cases) {
    const told = await run(argv, { env: { SERIN_ADMIN: admin } })
    t.not(told.exitCode, 0, argv.join(' '))
    t.match(told.stderr, /^serin: /, argv.join(' '))
    t.match(told.stderr, wanted, argv.join(' '))
    t.notMatch(told.stderr, /\n +at /, 'no stack')
  }
})

t.test(
  'With -o json an error is one object on stdout, and its sentence stays on stderr.',
  async (t) => {
    const told = async (argv: readonly string[]) => {
      const { stdout, stderr, exitCode } = await run(argv)
      t.match(stdout, /^[^\n]+\n$/, 'one line')
      const { error, ...rest } = JSON.parse(stdout) as { error: Record<string, unknown> }
      t.strictSame(rest, {})
      t.equal(stderr, `serin: ${String(error['message'])}\n`)
      t.equal(error['exitCode'], exitCode)
      return error
    }
    const admin = await serveAdmin(t, createFakeDeps())
    const unknown = await told(['status', 'credit-rsk', '-o', 'json', '--admin', admin])
    t.match(unknown, {
      ...{ code: 'SERIN_UNKNOWN_SERVICE', status: 404, title: ERRORS.SERIN_UNKNOWN_SERVICE.title },
      ...{ instance: '/api/v1/services/credit-rsk', detail: /^there is no service/, exitCode: 1 },
    })
    const invalid = await serveProblem(t, 'SERIN_CONFIG_INVALID', { problems: ['a:1:2: x', 'y'] })
    t.match(await told(['reload', '-ojson', '--admin', invalid]), {
      ...{ code: 'SERIN_CONFIG_INVALID', problems: ['a:1:2: x', 'y'] },
    })
    const dropped = await serveAlways(t, (request) => request.socket.destroy())
    for (const verb of [
      ['status', '-wo', 'json'],
      ['pause', 'a', '--output=json'],
      ['weights', 'a', '--output', 'json'],
    ]) {
      t.match(await told([...verb, '--admin', dropped]), { code: 'CLI_UNREACHABLE', exitCode: 2 })
    }
    const file = join(t.testdir({ 'bad.yaml': 'version: 1\n' }), 'bad.yaml')
    const bad = await told(['plan', '-c', file, '--rps', '5', '-o', 'json'])
    t.match(bad, { code: 'CLI_BAD_INPUT', exitCode: 1, problems: [/^.*bad\.yaml:/] })
    t.match(await told(['decisions', 'a', '--limit', 'x', '-o', 'json']), { code: 'CLI_BAD_INPUT' })
    const store = await serveProblem(t, 'SERIN_STORE_FAILED')
    const lines = join(t.testdir({ 'a.ndjson': '{}\n' }), 'a.ndjson')
    t.match(await told(['feedback', lines, '-o', 'json', '--admin', store]), {
      ...{ code: 'SERIN_STORE_FAILED', exitCode: 3, message: /0 lines were sent before/ },
    })
    t.equal((await run(['status', '--admin', dropped])).stdout, '', 'who wants no JSON gets none')
    t.equal((await run(['status', '--admin', dropped, '--', '-o', 'json'])).stdout, '')
  },
)

t.test('An object of JSON that has been printed is not followed by another one.', async (t) => {
  const admin = await serveAlways(t, (_request, response) => {
    const counts = { joined: 0, unmatched: 0, late: 0, duplicate: 0, unscored: 0 }
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...counts, rejected: [{ line: 1, error: 'no' }] }))
  })
  const file = join(t.testdir({ 'a.ndjson': '{}\n' }), 'a.ndjson')
  const told = await run(['feedback', file, '-o', 'json', '--admin', admin])
  t.equal(told.exitCode, 1)
  t.match(JSON.parse(told.stdout), { rejected: [{ line: 1 }] })
})

t.test('Help is no mistake, whoever asks for it.', async (t) => {
  for (const argv of [[], ['help'], ['help', 'status'], ['help', '--help'], ['status', '--help']]) {
    const { stdout, stderr } = await run(argv)
    t.match(stdout + stderr, /^Usage: serin/, argv.join(' '))
    t.notMatch(stderr, /^serin: /m)
  }
})

t.test('The data port in place of the admin port is known by its answer.', async (t) => {
  const data = await serveProblem(t, 'SERIN_NO_ROUTE')
  const admin = await serveProblem(t, 'SERIN_REFUSED')
  const behind = await serveProblem(t, 'SERIN_UPSTREAM_REFUSED')
  for (const [url, code] of [
    [data, 'SERIN_NO_ROUTE'],
    [behind, 'SERIN_UPSTREAM_REFUSED'],
  ] as const) {
    const told = await run(['status', '--admin', url])
    t.equal(told.exitCode, 2)
    t.equal(
      told.stderr,
      `serin: ${url} answers like serin's data port: --admin (or SERIN_ADMIN) wants the address of \`admin.listen\` [${code}]\n`,
    )
  }
  t.notMatch((await run(['status', '--admin', admin])).stderr, /data port/)
})

t.test("A mistake of serin's own asks to be reported.", async (t) => {
  t.match((await run(['demo'])).stderr, /\n +at [^]*please report it, with these lines/)
  const env = new Proxy(
    {},
    {
      get: () => {
        throw new Error('broken')
      },
    },
  )
  const told = await run(['status', '-o', 'json'], { env })
  t.equal(told.exitCode, 1)
  t.match(told.stderr, /^serin: Error: broken\n +at /)
  t.strictSame(JSON.parse(told.stdout), {
    error: { code: 'CLI_INTERNAL', message: 'broken', exitCode: 1 },
  })
})

const FIXED = `version: 1
gateway: { listen: 127.0.0.1:8080 }
services:
  abn:
    match: { path: /rank }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:8001"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:8002"] }
    split: { weights: { canary: 30% } }
`
