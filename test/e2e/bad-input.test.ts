import t from 'tap'
import { mkdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { open } from 'lmdb'
import { request } from 'undici'
import { refusedOrigin } from '../support/fake-upstream.ts'
import { askAdmin, readService, untilService, type AdminRequest } from './support/admin-api.ts'
import { buildConfig, buildFixedService, buildRolloutService } from './support/config.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

const NOWHERE = { baseline: 'http://127.0.0.1:9', canary: 'http://127.0.0.1:9' }

t.test('Every mistake of a configuration is told at its place, and nothing starts.', async (t) => {
  const file = writeConfig(
    t.testdir({}),
    `version: 1
gateway: { listen: "127.0.0.1:70000" }
stoer: lmdb:./data
services:
  m:
    match: { path: m }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:9/path"] }
      canary: { version: "2", upstreams: [] }
    split: { weights: { canary: 120% } }
    rollout: { steps: [{ weight: 20% }, { weight: 10% }] }
    mirror: [{ to: canary }]
admin: { listen: "0.0.0.0:0" }
`,
  )
  const { code, stderr, stdout } = await runSerin(t, ['serve', '-c', file])
  t.equal(code, 1)
  t.equal(stdout, '')
  for (const line of [
    /serin\.yaml has 11 problems:\n/,
    /serin\.yaml:2:20: gateway\.listen: found "127\.0\.0\.1:70000"/,
    /serin\.yaml:3:1: stoer: unknown key "stoer": did you mean "store"\?/,
    /serin\.yaml:6:20: services\.m\.match\.path: /,
    /serin\.yaml:9:\d+: services\.m\.variants\.canary\.upstreams: /,
    /serin\.yaml:10:\d+: services\.m\.split\.weights\.canary: found "120%"/,
    /serin\.yaml:11:51: services\.m\.rollout\.steps\[1\]\.weight: found 10% after 20%/,
    /serin\.yaml:12:13: services\.m\.mirror: needs `idempotent: true` of the service/,
    /serin\.yaml:13:\d+: admin\.listen: .*not on loopback: name at least one token/,
  ])
    t.match(stderr, line)
})

t.test('What is not good to start with ends the start with one line and exit 1.', async (t) => {
  const folder = t.testdir({ file: 'no folder', garbage: { 'data.mdb': 'x'.repeat(10_000) } })
  const services = { m: buildFixedService(NOWHERE, { weights: { canary: '10%' } }) }
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => taken.close(resolve)))
  const { port } = taken.address() as AddressInfo
  const newer = join(folder, 'newer')
  const root = open({ path: newer, noSubdir: false, maxDbs: 12 })
  await root.openDB('meta', {}).put('schema', 99)
  await root.close()

  const config = (more: Parameters<typeof buildConfig>[2]) => buildConfig(folder, services, more)
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'data port',
      config({ gateway: { listen: `127.0.0.1:${port}` } }),
      new RegExp(
        `^serin: port ${port} of 127.0.0.1 is taken by another process: end it, or choose another port \\(gateway.listen\\)\n$`,
      ),
    ],
    [
      'admin port',
      config({ admin: { listen: `127.0.0.1:${port}` } }),
      new RegExp(
        `^serin: port ${port} of 127.0.0.1 is taken by another process: end it, or choose another port \\(admin.listen\\)\n$`,
      ),
    ],
    [
      'store is a file',
      config({ store: `lmdb:${join(folder, 'file')}` }),
      /^serin: cannot start: the store's path .*file is not a directory that can be written.*\n$/,
    ],
    [
      'store of a newer version',
      config({ store: `lmdb:${newer}` }),
      /^serin: cannot start: .*was written by a newer serin \(schema 99, this one knows \d+\)/,
    ],
    [
      'store is no store',
      config({ store: `lmdb:${join(folder, 'garbage')}` }),
      /^serin: cannot start: cannot open the store at .*garbage/,
    ],
  ]
  await Promise.all(
    cases.map(async ([name, each, line], index) => {
      const file = join(t.testdirName, `case-${index}`, 'serin.yaml')
      const { code, signal, stderr } = await runSerin(t, ['serve', '-c', write(file, each)])
      t.equal(code, 1, `${name}: ${signal}`)
      t.match(stderr, line, name)
      t.notMatch(stderr, /\n\s+at /, `${name}: no stack`)
    }),
  )
})

t.test('A name that no upstream has is shown where users look, until it is mended.', async (t) => {
  const folder = t.testdir({})
  const write = (canary: string) => {
    const service = buildFixedService({ ...NOWHERE, canary }, { weights: { canary: '10%' } })
    return writeConfig(folder, buildConfig(folder, { m: service }))
  }
  const gateway = await startSerin(t, write('http://no-such-model.invalid:8000'))
  const failing = await untilService(gateway.admin, 'm', 'the name fails', ({ variants }) => {
    return variants['canary']!.failingNames.length > 0
  })
  t.match(failing.variants['canary']!.failingNames[0], {
    name: 'no-such-model.invalid',
    addresses: [],
  })
  const status = await runSerin(t, ['status', 'm'], gateway.admin)
  t.match(
    status.stdout.replaceAll(/\s+/g, ' '),
    /no-such-model\.invalid \(canary\) cannot be looked up/,
  )
  write('http://127.0.0.1:9')
  t.equal((await runSerin(t, ['reload'], gateway.admin)).code, 0)
  const { notice, variants } = await readService(gateway.admin, 'm')
  t.same(variants['canary']!.failingNames, [])
  t.notMatch(notice ?? '', /looked up/)
})

t.test('Bad requests get clear errors, and hurt nobody.', async (t) => {
  const folder = t.testdir({})
  const refused = await refusedOrigin()
  const tokens = [
    { name: 'ops', token: 'ops-token-123456', scopes: ['read', 'operate', 'feedback'] },
    { name: 'viewer', token: 'viewer-token-123456', scopes: ['read'] },
    { name: 'gone', token: 'gone-token-123456', scopes: ['read'], expires: '2020-01-01' },
  ]
  const service = buildRolloutService(
    { baseline: refused, canary: refused },
    { split: { override: { header: 'x-serin-variant', secret: 'override-secret-1' } } },
  )
  const config = buildConfig(folder, { m: service }, { admin: { tokens } })
  const gateway = await startSerin(t, writeConfig(folder, config))
  const ask = (path: string, { headers, ...rest }: AdminRequest = {}) => {
    const authorization = 'Bearer ops-token-123456'
    return askAdmin(gateway.admin, path, { headers: { authorization, ...headers }, ...rest })
  }
  const post = (body: unknown, headers = {}) => ({ method: 'POST', body, headers }) as const

  const bad = await request(`${gateway.data}/m/infer`, { method: 'POST', body: '{}' })
  const text = await bad.body.text()
  t.equal(bad.statusCode, 502)
  t.match(bad.headers['proxy-status'], /^serin\S*; error=connection_refused$/)
  t.equal(bad.headers['content-type'], 'application/problem+json')
  t.equal(bad.headers['x-serin-error'], 'SERIN_UPSTREAM_REFUSED')
  t.match(JSON.parse(text), { status: 502, code: 'SERIN_UPSTREAM_REFUSED', requestId: String })
  const port = new URL(refused).port
  t.notMatch(`${text}${JSON.stringify(bad.headers)}`, port, 'no address leaks')
  t.equal((await request(`${gateway.data}/nowhere`)).statusCode, 404)

  const feedback = '/api/v1/feedback'
  const noJson = await ask(feedback, post('label=3'))
  t.match(noJson.json(), { status: 400, code: 'SERIN_BAD_REQUEST', detail: /line 1/ })
  t.equal((await ask(feedback, post('x', { 'content-type': 'text/plain' }))).status, 415)
  const lines = '{"requestId":"a","label":1}\nnonsense\n{"service":"x","requestId":"a","label":1}\n'
  const mixed = await ask(feedback, post(lines, { 'content-type': 'application/x-ndjson' }))
  t.equal(mixed.status, 200)
  t.match(mixed.json(), { unmatched: 1, joined: 0, rejected: [{ line: 2 }, { line: 3 }] })

  const unknown = await ask('/api/v1/services/nobody')
  t.match(unknown.json(), { status: 404, code: 'SERIN_UNKNOWN_SERVICE', detail: /known: m/ })
  t.equal((await ask('/api/v1/services/nobody/pause', post({}))).status, 404)
  const stale = await ask('/api/v1/services/m/abort', post({}, { 'if-match': '"4711"' }))
  t.match(stale.json(), { status: 412, code: 'SERIN_STALE_REVISION' })
  const conflict = await ask('/api/v1/services/m/undo', post({}))
  t.match(conflict.json(), { status: 409, code: 'SERIN_REFUSED', detail: /undo takes back/ })
  t.equal((await ask('/api/v1/services/m/pause', post('{"reason":'))).status, 400)
  t.match((await ask('/api/v1/services/m/pause', post({ resaon: 'x' }))).json(), {
    status: 400,
    detail: /resaon/,
  })

  const as = async (path: string, authorization: string | null, method: 'GET' | 'POST' = 'GET') => {
    const headers = authorization === null ? {} : { authorization }
    const body = method === 'POST' ? {} : undefined
    const answer = await askAdmin(gateway.admin, path, { method, headers, body })
    return [answer.status, answer.headers['www-authenticate']]
  }
  const services = '/api/v1/services'
  t.same(await as(services, null), [401, 'Bearer realm="serin"'])
  t.match(await as(services, 'Bearer wrong-token-123456'), [401, /invalid_token/])
  t.match(await as(services, 'Bearer gone-token-123456'), [401, /invalid_token/])
  t.match(await as(services, 'Bearer viewer-token-123456'), [200, undefined])
  t.match(await as('/api/v1/services/m/abort', 'Bearer viewer-token-123456', 'POST'), [
    403,
    /insufficient_scope.*operate/,
  ])
  const rebound = await ask(services, { headers: { host: 'evil.example' } })
  t.equal(rebound.status, 403, 'a page under a name of its own gets nothing')

  const running = await ask('/api/v1/config')
  t.equal(running.status, 200)
  t.match(running.text, '(hidden)')
  for (const secret of ['override-secret-1', ...tokens.map(({ token }) => token)]) {
    t.notMatch(running.text, secret)
  }
  t.match((await ask('/healthz')).json(), { status: 'ok' })
  const { code, stderr } = await gateway.stop()
  t.equal(code, 0)
  t.equal(stderr, '')
})

function write(file: string, config: unknown): string {
  mkdirSync(dirname(file), { recursive: true })
  return writeConfig(dirname(file), config)
}
