import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { UpstreamTls, Variant } from '../../src/domain/variant.ts'
import type { Way } from '../../src/proxy/connections.ts'
import { createHealthChecks } from '../../src/proxy/health-checks.ts'
import { probeConnection, probePath, type Finding } from '../../src/proxy/probe.ts'
import { readUpstreamTls } from '../../src/proxy/upstream-tls.ts'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { connectionsBy } from '../support/names.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { startTlsUpstream, type TlsUpstream } from '../support/tls-upstream.ts'

const authority = createAuthority()
const stranger = createAuthority('stranger')
const LOCALHOST = authority.issue('localhost')
const CLIENT = authority.issue('serin')
const NO_TLS: UpstreamTls = { ca: null, cert: null, key: null, servername: null }

const get = (host = 'a') => `GET /m/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

/** Files for a variant's `tls`; null = none of that kind. */
function writeTls(
  t: Test,
  { ca = authority.cert, pair = null as Pair | null, servername = null as string | null } = {},
): UpstreamTls {
  const folder = mkdtempSync(join(tmpdir(), 'serin-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/ca.pem`, ca)
  writeFileSync(`${folder}/cert.pem`, pair?.cert ?? '')
  writeFileSync(`${folder}/key.pem`, pair?.key ?? '')
  return {
    ca: `${folder}/ca.pem`,
    cert: pair === null ? null : `${folder}/cert.pem`,
    key: pair === null ? null : `${folder}/key.pem`,
    servername,
  }
}

async function startUpstreamWith(t: Test, pair: Pair, more = {}): Promise<TlsUpstream> {
  const upstream = await startTlsUpstream({ ...pair, ...more })
  t.teardown(upstream.close)
  return upstream
}

async function startGatewayAt(t: Test, origin: string, more: Partial<Variant>) {
  const gateway = await startGateway([serviceWith([variantAt('baseline', origin, more)])])
  t.teardown(gateway.close)
  return gateway
}

t.test('an https upstream of an authority of its own is asked by its name', async (t) => {
  const upstream = await startUpstreamWith(t, LOCALHOST)
  const origin = `https://localhost:${upstream.port}`
  const gateway = await startGatewayAt(t, origin, { tls: writeTls(t) })
  for (const host of ['models.example', 'other.example:8080', '[::1]:80']) {
    t.match(await rawExchange(gateway.port, get(host)), /^HTTP\/1.1 200 [\s\S]*fine/)
  }
  t.same(
    upstream.connections,
    [{ servername: 'localhost', client: null }],
    "one connection for all: the client's Host never changes the name that is asked for",
  )
  t.same(new Set(upstream.hosts), new Set([`localhost:${upstream.port}`]))
})

t.test('an upstream that cannot be verified is refused once, whatever it is', async (t) => {
  const rest = { ca: null, cert: null, key: null }
  const cases: readonly (readonly [string, Pair, string, UpstreamTls])[] = [
    ['an authority that nobody knows', LOCALHOST, 'localhost', NO_TLS],
    ['another authority', LOCALHOST, 'localhost', writeTls(t, { ca: stranger.cert })],
    ['another name', authority.issue('other.test'), 'localhost', writeTls(t)],
    [
      'a servername that it is not',
      LOCALHOST,
      'localhost',
      { ...writeTls(t), servername: 'm.test' },
    ],
    ['an address that it does not have', LOCALHOST, '127.0.0.1', writeTls(t)],
    ['a key of its own', stranger, 'localhost', { ...rest, servername: 'stranger' }],
  ]
  for (const [what, pair, host, tls] of cases) {
    const upstream = await startUpstreamWith(t, pair)
    const origin = `https://${host}:${upstream.port}`
    const gateway = await startGatewayAt(t, origin, { tls })
    const answer = parseAnswer(await rawExchange(gateway.port, get()))
    t.equal(answer.status, 502, what)
    t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_TLS')
    t.equal(answer.field('proxy-status'), 'serin-test; error=tls_certificate_error')
    t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 502 })
    t.match(gateway.recorder.attempts, [{ upstream: origin, result: 'failed' }])
    t.equal(upstream.attempts(), 1, 'a GET too is not sent again')
    t.same(upstream.hosts, [])
  }
})

async function probe(way: Way): Promise<Finding> {
  const connections = connectionsBy(way, (error) => t.fail(String(error)))
  const found = await probeConnection(connections)
  await connections.destroy()
  return found
}

/** What Node says of a certificate whose authority it does not know. */
const UNVERIFIED = /^(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)$/

t.test('the environment does not switch the verification off', async (t) => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
  const upstream = await startUpstreamWith(t, LOCALHOST)
  const origin = `https://localhost:${upstream.port}`
  const gateway = await startGateway([serviceWith([variantAt('baseline', origin)])], {
    passthrough: origin,
  })
  t.teardown(gateway.close)
  for (const path of ['/m/x', '/else']) {
    const text = await rawExchange(gateway.port, get().replace('/m/x', path))
    t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_UPSTREAM_TLS', path)
  }
  t.match(await probe({ origin, connectMs: 1, keepAliveMs: null, tls: {} }), UNVERIFIED)
})

t.test('servername is the name that is asked for and verified', async (t) => {
  const upstream = await startUpstreamWith(t, authority.issue('model.test'))
  const tls = writeTls(t, { servername: 'model.test' })
  for (const host of ['localhost', '127.0.0.1']) {
    const gateway = await startGatewayAt(t, `https://${host}:${upstream.port}`, { tls })
    t.equal(parseAnswer(await rawExchange(gateway.port, get())).status, 200, host)
  }
  t.same(
    upstream.connections.map(({ servername }) => servername),
    ['model.test', 'model.test'],
  )
  t.same(
    upstream.hosts,
    ['localhost', '127.0.0.1'].map((host) => `${host}:${upstream.port}`),
  )
})

t.test('an upstream by address is verified by it, and asked for no name', async (t) => {
  const upstream = await startUpstreamWith(t, authority.issue('model.test', '127.0.0.1'))
  const origin = `https://127.0.0.1:${upstream.port}`
  const gateway = await startGatewayAt(t, origin, { tls: writeTls(t) })
  t.equal(parseAnswer(await rawExchange(gateway.port, get('model.test'))).status, 200)
  t.same(upstream.connections, [{ servername: false, client: null }])
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`an upstream over ${maxVersion} may ask who we are`, async (t) => {
    const strict = { requestCert: true, rejectUnauthorized: true, ca: authority.cert, maxVersion }
    const upstream = await startUpstreamWith(t, LOCALHOST, strict)
    const origin = `https://localhost:${upstream.port}`
    const known = await startGatewayAt(t, origin, { tls: writeTls(t, { pair: CLIENT }) })
    t.equal(parseAnswer(await rawExchange(known.port, get())).status, 200)
    t.same(upstream.connections, [{ servername: 'localhost', client: 'serin' }])

    const unknown = await startGatewayAt(t, origin, {
      tls: { ...writeTls(t), cert: null, key: null },
    })
    const answer = parseAnswer(await rawExchange(unknown.port, get()))
    t.equal(answer.status, 502)
    t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_TLS_ALERT')
    t.equal(answer.field('proxy-status'), 'serin-test; error=tls_alert_received')
    t.equal(upstream.hosts.length, 1)
  })
}

t.test(
  'an upstream of a TLS that nobody takes any more is no matter of certificates',
  async (t) => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }
    const upstream = await startUpstreamWith(t, LOCALHOST, old)
    const origin = `https://localhost:${upstream.port}`
    const gateway = await startGatewayAt(t, origin, { tls: writeTls(t) })
    const answer = parseAnswer(await rawExchange(gateway.port, get()))
    t.equal(answer.status, 502)
    t.equal(answer.field('proxy-status'), 'serin-test; error=tls_alert_received')
    t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 502 })
    t.equal(upstream.attempts(), 1, 'it is not asked again')
  },
)

t.test('health checks and probes verify and show the same', async (t) => {
  const strict = { requestCert: true, rejectUnauthorized: true, ca: authority.cert }
  const upstream = await startUpstreamWith(t, authority.issue('model.test'), strict)
  const origin = `https://localhost:${upstream.port}`
  const way = (tls: UpstreamTls) => ({
    origin,
    connectMs: 1_000,
    keepAliveMs: null,
    tls: readUpstreamTls(tls),
  })
  const good = writeTls(t, { pair: CLIENT, servername: 'model.test' })
  const asks = async (tls: UpstreamTls) => {
    const connections = connectionsBy(way(tls), (error) => t.fail(String(error)))
    t.teardown(() => connections.destroy())
    return probePath(connections.pool, '/health', 5_000)
  }
  t.equal(await asks(good), null)
  t.same(upstream.connections, [{ servername: 'model.test', client: 'serin' }])
  t.equal(await asks({ ...good, servername: null }), 'ERR_TLS_CERT_ALTNAME_INVALID', 'another name')
  t.match(await asks({ ...good, cert: null, key: null }), /^\w+$/, 'no certificate of ours')
  t.equal(await probe(way(good)), null)
  t.equal(await probe(way({ ...good, servername: null })), 'ERR_TLS_CERT_ALTNAME_INVALID')
  t.match(await probe(way(NO_TLS)), UNVERIFIED)
  t.match(await probe(way({ ...good, cert: null, key: null })), /^ERR_SSL_/)
})

t.test('a probe shows the certificate, and asks an address for no name', async (t) => {
  const server = createTlsServer({
    ...authority.issue('127.0.0.1'),
    ...{ requestCert: true, ca: authority.cert },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const tls = readUpstreamTls(writeTls(t, { pair: CLIENT }))
  const connected = new Promise<unknown>((resolve) => {
    server.once('secureConnection', (socket: TLSSocket & { servername: unknown }) =>
      resolve({ servername: socket.servername, client: socket.getPeerCertificate().subject.CN }),
    )
  })
  const way = { origin: `https://127.0.0.1:${port}`, connectMs: 1, keepAliveMs: null, tls }
  t.equal(await probe(way), null)
  t.same(await connected, { servername: false, client: 'serin' })
})

t.test('files that were replaced are used after a reload, and nothing else changes', async (t) => {
  const secure = await startUpstreamWith(t, LOCALHOST, { requestCert: true, ca: authority.cert })
  const plain = await startUpstream((_req, res) => res.end('plain'))
  t.teardown(plain.close)
  const tls = writeTls(t, { pair: CLIENT })
  const variants = [
    variantAt('baseline', `https://localhost:${secure.port}`, { tls }),
    variantAt('canary', plain.origin),
  ]
  const split = { key: null, rules: [], weightsBp: { canary: 5_000 }, override: null }
  const services = [serviceWith(variants, { split })]
  let draw = 0
  const gateway = await startGateway(services, { draw: () => draw })
  t.teardown(gateway.close)
  const ask = async () =>
    parseAnswer(await rawExchange(gateway.port, get())).field('x-serin-variant')
  const askBoth = async () => {
    draw = 0.1
    const first = await ask()
    draw = 0.9
    return new Set([first, await ask()])
  }
  const both = new Set(['baseline', 'canary'])
  const health = createHealthChecks({
    clock: { now: () => 0, monotonic: () => 0 },
    every: () => () => {},
    upstreams: gateway.upstreams.upstreams,
    onChange: () => {},
    onUntried: () => {},
  })
  await health.checkNew()
  health.close()
  secure.connections.length = 0

  t.same(await askBoth(), both)
  const [, known] = gateway.upstreams.upstreams()
  gateway.reload(services)
  t.same(await askBoth(), both)
  t.same(
    secure.connections.map(({ client }) => client),
    ['serin'],
    'the connection is kept',
  )

  const renewed = authority.issue('renewed')
  for (const [file, pem] of [
    [tls.cert!, renewed.cert],
    [tls.key!, renewed.key],
  ] as const) {
    writeFileSync(`${file}.new`, pem)
    renameSync(`${file}.new`, file)
  }
  t.same(await askBoth(), both)
  t.equal(secure.connections.length, 1, 'nothing happens without a reload')
  gateway.reload(services)
  t.same(await askBoth(), both)
  t.same(
    secure.connections.map(({ client }) => client),
    ['serin', 'renewed'],
  )
  t.ok(gateway.upstreams.upstreams().includes(known!), 'the other variant goes on as it was')
  t.equal(known!.health, 'up')

  writeFileSync(tls.key!, CLIENT.key)
  t.throws(() => gateway.reload(services), /key values mismatch/)
  t.same(await askBoth(), both)
})

t.test('a stream goes on over the connection that it began on', async (t) => {
  let end = () => {}
  const upstream = await startTlsUpstream(LOCALHOST, (_req, res) => {
    res.write('begun')
    end = () => res.end(' and ended')
  })
  t.teardown(upstream.close)
  const tls = writeTls(t)
  const origin = `https://localhost:${upstream.port}`
  const services = [serviceWith([variantAt('baseline', origin, { tls })])]
  const gateway = await startGateway(services)
  t.teardown(gateway.close)
  const first = new RawConnection(gateway.port).send(get())
  await first.receive('begun')
  const endFirst = end
  writeFileSync(tls.ca!, authority.cert + stranger.cert)
  gateway.reload(services)
  const second = new RawConnection(gateway.port).send(get())
  await second.receive('begun')
  endFirst()
  end()
  t.match(await first.closed(), 'and ended')
  t.match(await second.closed(), 'and ended')
  t.equal(upstream.connections.length, 2)
})
