import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { parseHost } from '../../src/admin/host.ts'
import type { AdminConfig } from '../../src/config/config.ts'
import { createFakeDeps, LOOPBACK, NOW } from './fake-deps.ts'

const SERVICES = '/api/v1/services'

const TOKENS: AdminConfig['tokens'] = [
  {
    name: 'ops',
    token: 'operator-token',
    scopes: ['read', 'operate'],
    services: null,
    expiresAt: null,
  },
  { name: 'dash', token: 'reader-token', scopes: ['read'], services: null, expiresAt: NOW + 1 },
  { name: 'labels', token: 'labels-token', scopes: ['feedback'], services: null, expiresAt: null },
  {
    name: 'team',
    token: 'team-token',
    scopes: ['read', 'operate', 'feedback'],
    services: ['credit-risk'],
    expiresAt: null,
  },
  {
    name: 'old',
    token: 'old-token',
    scopes: ['read', 'operate', 'feedback'],
    services: null,
    expiresAt: NOW,
  },
]

function setUp(
  t: Test,
  host: string,
  tokens: AdminConfig['tokens'] = TOKENS,
  changes: Partial<AdminDeps> = {},
) {
  const deps = createFakeDeps(changes)
  const app = createAdminServer(deps, { listen: { host, port: 9090 }, tokens })
  t.teardown(() => app.close())
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  const post = (url: string, headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: '{}',
    })
  return { deps, get, post }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

t.test(
  'A request without a token, or with an unknown or expired one, is 401 with a challenge.',
  async (t) => {
    const { get } = setUp(t, '0.0.0.0')
    const challenge = 'Bearer realm="serin"'
    for (const [headers, detail, expected] of [
      [{}, /send a token/, challenge],
      [{ authorization: 'Basic b3BzOm9wcw==' }, /send a token/, challenge],
      [bearer('operator-tokem'), /not known/, `${challenge}, error="invalid_token"`],
      [
        bearer('old-token'),
        /"old" expired at 2027-05-01T12:00:00.000Z/,
        `${challenge}, error="invalid_token"`,
      ],
    ] as const) {
      const response = await get(SERVICES, headers)
      t.match(response.json(), { status: 401, code: 'SERIN_UNAUTHENTICATED', detail })
      t.equal(response.headers['www-authenticate'], expected)
    }
  },
)

t.test('A token does what its scopes say, and its name is the actor.', async (t) => {
  const { deps, get, post } = setUp(t, '0.0.0.0')
  t.equal((await get(SERVICES, bearer('reader-token'))).statusCode, 200)
  t.equal((await get(SERVICES, { authorization: 'bearer  operator-token ' })).statusCode, 200)
  const refused = await post(`${SERVICES}/credit-risk/pause`, bearer('reader-token'))
  t.match(refused.json(), {
    status: 403,
    code: 'SERIN_FORBIDDEN',
    detail: 'token "dash" has the scopes read; this needs operate',
  })
  t.match(refused.headers['www-authenticate'], /error="insufficient_scope", scope="operate"/)
  t.equal((await post(`${SERVICES}/credit-risk/pause`, bearer('operator-token'))).statusCode, 200)
  t.equal(deps.commands[0]?.command.actor, 'ops')
  t.equal((await get(SERVICES, bearer('labels-token'))).statusCode, 403)
  t.equal((await post('/api/v1/reload', bearer('labels-token'))).statusCode, 403)
  t.equal((await post('/api/v1/feedback', bearer('labels-token'))).statusCode, 200)
  t.equal((await post('/api/v1/feedback', bearer('operator-token'))).statusCode, 403)
})

t.test('A token for some services changes no other, and nothing that is about all.', async (t) => {
  const { deps, get, post } = setUp(t, '0.0.0.0')
  const team = bearer('team-token')
  t.equal((await post(`${SERVICES}/credit-risk/pause`, team)).statusCode, 200)
  const other = await post(`${SERVICES}/fixed/pause`, team)
  t.match(other.json(), {
    status: 403,
    code: 'SERIN_FORBIDDEN',
    detail: 'token "team" operates credit-risk; this is about "fixed"',
  })
  const all = await post('/api/v1/reload', team)
  t.match(all.json(), { detail: 'token "team" operates credit-risk; this is about all services' })
  t.equal(all.statusCode, 403)
  t.equal((await get(SERVICES, team)).statusCode, 200)
  t.same((await get('/api/v1/me', team)).json().services, ['credit-risk'])
  t.equal((await post('/api/v1/feedback', team)).statusCode, 200)
  t.equal((await post('/api/v1/feedback', bearer('labels-token'))).statusCode, 200)
  t.same(
    deps.feedbackBodies.map(({ services }) => services),
    [['credit-risk'], null],
  )
  t.equal(deps.commands.length, 1)
})

t.test('Liveness and readiness are public; detail and metrics are for readers.', async (t) => {
  const { get } = setUp(t, '0.0.0.0')
  t.equal((await get('/healthz')).statusCode, 200)
  t.equal((await get('/')).statusCode, 200)
  t.same((await get('/readyz')).json(), { ready: true })
  t.same((await get('/readyz', bearer('labels-token'))).json(), { ready: true })
  t.same((await get('/readyz', bearer('reader-token'))).json(), {
    ready: true,
    checks: { store: 'up' },
  })
  t.equal((await get('/metrics')).statusCode, 401)
  t.equal((await get('/metrics', bearer('reader-token'))).statusCode, 200)
})

t.test(
  'A loopback listener needs no token for metrics, but does for the API where tokens are configured.',
  async (t) => {
    const { get } = setUp(t, '127.0.0.1')
    t.equal((await get('/metrics')).statusCode, 200)
    t.equal((await get(SERVICES)).statusCode, 401)
    t.equal((await get(SERVICES, bearer('reader-token'))).statusCode, 200)
  },
)

t.test('A loopback listener answers under its own names only.', async (t) => {
  const { get, post } = setUp(t, '127.0.0.1', [])
  for (const host of ['localhost:9090', '127.0.0.1', '127.0.0.1:4444', '[::1]:9090', 'LOCALHOST']) {
    t.equal((await get(SERVICES, { host })).statusCode, 200, host)
  }
  for (const host of [
    'evil.example:9090',
    'localhost.evil.example',
    '127.evil.example',
    '1.2.3.4',
    'a@localhost',
  ]) {
    const response = await post(`${SERVICES}/credit-risk/pause`, { host })
    t.match(
      response.json(),
      { status: 403, code: 'SERIN_FORBIDDEN', detail: /use localhost or 127.0.0.1/ },
      host,
    )
    t.same((await get('/readyz', { host })).json(), { ready: true })
  }
  const named = setUp(t, 'LocalHost', [])
  t.equal((await named.get(SERVICES, { host: 'localhost' })).statusCode, 200)
})

t.test('A loopback listener shows its metrics under its own names only, too.', async (t) => {
  for (const tokens of [[], TOKENS]) {
    const { get } = setUp(t, '127.0.0.1', tokens)
    t.equal((await get('/metrics', { host: 'localhost:9090' })).statusCode, 200)
    const rebound = await get('/metrics', { host: 'evil.example' })
    t.match(rebound.json(), { status: 403, detail: /use localhost or 127.0.0.1/ })
  }
})

t.test('What a proxy has forwarded to a loopback listener needs a token.', async (t) => {
  const open = setUp(t, '127.0.0.1', [])
  const guarded = setUp(t, '127.0.0.1')
  for (const name of ['forwarded', 'x-forwarded-for', 'X-Forwarded-Host', 'x-real-ip']) {
    const headers = { [name]: '198.51.100.7' }
    const detail = new RegExp(`forwarded this \\(${name.toLowerCase()}\\).*configure admin.tokens`)
    const refused = await open.post(`${SERVICES}/credit-risk/pause`, headers)
    t.match(refused.json(), { status: 403, code: 'SERIN_FORBIDDEN', detail })
    t.match((await open.get('/metrics', headers)).json(), { status: 403, detail })
    t.equal((await open.get('/readyz', headers)).statusCode, 200)
    t.same((await open.get('/readyz', headers)).json(), { ready: true })
    t.equal((await guarded.get('/metrics', headers)).statusCode, 401)
    const token = bearer('reader-token')
    t.equal((await guarded.get('/metrics', { ...headers, ...token })).statusCode, 200)
    t.equal((await guarded.get(SERVICES, { ...headers, ...token })).statusCode, 200)
  }
  t.strictSame(open.deps.commands, [])
})

t.test('Whoever is turned away is counted and logged, without what was sent.', async (t) => {
  const counts: Record<string, number> = {}
  const lines: Record<string, unknown>[] = []
  let now = 0
  const { get, post } = setUp(t, '0.0.0.0', TOKENS, {
    countRefusedAccess: (code) => void (counts[code] = (counts[code] ?? 0) + 1),
    log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    clock: { now: () => NOW, monotonic: () => now },
  })
  await get(`${SERVICES}/credit-risk?token=guess-0`, bearer('guess-1'))
  await post(`${SERVICES}/credit-risk/pause`, bearer('reader-token'))
  const common = { msg: 'the admin port turned a request away', level: 40, peer: '127.0.0.1' }
  t.match(lines, [
    {
      ...{ ...common, method: 'GET', route: '/api/v1/services/:service' },
      ...{ code: 'SERIN_UNAUTHENTICATED', suppressed: 0 },
    },
    {
      ...{ ...common, method: 'POST', route: '/api/v1/services/:service/pause' },
      ...{ code: 'SERIN_FORBIDDEN', suppressed: 0 },
    },
  ])
  // The bare status is public; a token that is tried there is a token that is tried.
  await get('/readyz')
  await get('/readyz', bearer('labels-token'))
  t.equal(lines.length, 2)
  await get('/readyz', bearer('guess-2'))
  for (let i = 0; i < 100; i++) await get('/api/v1/me', bearer(`guess-${i}`))
  t.equal(lines.length, 6, 'five lines in a second')
  now = 1000
  await get('/api/v1/me')
  t.match(lines[6], { route: '/api/v1/me', suppressed: 97 })
  t.same(counts, { SERIN_UNAUTHENTICATED: 103, SERIN_FORBIDDEN: 1 })
  t.notMatch(JSON.stringify(lines), /guess|token/)
})

t.test('Off loopback a valid token makes any Host good.', async (t) => {
  const { get } = setUp(t, '10.0.0.5')
  t.equal((await get(SERVICES, { host: 'serin.internal', ...bearer('ops') })).statusCode, 401)
  t.equal(
    (await get(SERVICES, { host: 'serin.internal', ...bearer('reader-token') })).statusCode,
    200,
  )
})

t.test('A listener that others can reach is refused without tokens.', async (t) => {
  for (const host of ['0.0.0.0', '::', '10.0.0.5', 'example.com']) {
    t.throws(() => createAdminServer(createFakeDeps(), { listen: { host, port: 0 }, tokens: [] }), {
      message: `admin.listen is ${host}, which others can reach: configure admin.tokens first`,
    })
  }
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  await app.close()
})

t.test(
  'Any way to write a loopback address needs no token, as the configuration says.',
  async (t) => {
    for (const host of ['127.8.9.1', '127.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']) {
      const app = createAdminServer(createFakeDeps(), { listen: { host, port: 0 }, tokens: [] })
      const answer = await app.inject({ url: '/metrics', headers: { host: 'localhost' } })
      t.equal(answer.statusCode, 200, host)
      await app.close()
    }
  },
)

t.test('Host headers are read exactly.', async (t) => {
  t.equal(parseHost('Example.com:80'), 'example.com')
  t.equal(parseHost('[FE80::1]:80'), 'fe80::1')
  for (const header of [undefined, '', 'a:b', 'a/b', 'a b', 'u@h', '[::1', 'a:1:2'])
    t.equal(parseHost(header), null)
})

t.test(
  'Whoever has a token may ask what it may do; without tokens everything is allowed.',
  async (t) => {
    const { get } = setUp(t, '127.0.0.1')
    t.strictSame((await get('/api/v1/me', bearer('labels-token'))).json(), {
      ...{ actor: 'labels', scopes: ['feedback'], services: null, expiresAt: null },
    })
    t.strictSame((await get('/api/v1/me', bearer('reader-token'))).json(), {
      ...{
        actor: 'dash',
        scopes: ['read'],
        services: null,
        expiresAt: new Date(NOW + 1).toISOString(),
      },
    })
    t.equal((await get('/api/v1/me')).statusCode, 401)
    t.match((await get('/api/v1/me', bearer('old-token'))).json(), { detail: /expired at/ })
    t.strictSame((await setUp(t, '127.0.0.1', []).get('/api/v1/me')).json(), {
      ...{
        actor: 'operator@loopback',
        scopes: ['read', 'operate', 'feedback'],
        services: null,
        expiresAt: null,
      },
    })
    t.equal((await get('/api/v1/me', { host: 'evil.example' })).statusCode, 403)
  },
)
