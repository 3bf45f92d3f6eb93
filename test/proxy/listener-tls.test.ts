import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { Agent, WebSocket } from 'undici'
import { trackSockets } from '../../src/proxy/open-sockets.ts'
import {
  ServedCertificate,
  type CertificateDeps,
  type CertificateFiles,
} from '../../src/proxy/served-certificate.ts'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer } from '../support/raw-client.ts'
import {
  serviceWith,
  startGateway,
  variantAt,
  type TestGatewayOptions,
} from '../support/start-gateway.ts'

const authority = createAuthority()
const FIRST = authority.issue('first.test')
const SECOND = authority.issue('second.test')

const DEPS: CertificateDeps = { clock: Date, log: { warn: () => {} } }

function writePair(files: CertificateFiles, { cert, key }: Pair): void {
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
}

async function startTlsGateway(t: Test, options: TestGatewayOptions = {}) {
  const folder = t.testdir({})
  mkdirSync(`${folder}/tls`)
  const files = { cert: `${folder}/tls/cert.pem`, key: `${folder}/tls/key.pem` }
  writePair(files, FIRST)
  const certificate = new ServedCertificate(files, DEPS)
  const upstream = await startUpstream((_req, res) => res.end('fine'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    certificate,
    ...options,
    ...(options.passthrough === undefined ? {} : { passthrough: upstream.origin }),
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return { files, certificate, upstream, gateway }
}

async function open(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const options = { host: '127.0.0.1', port, ca: authority.cert, servername: 'first.test', ...more }
  const socket = connect(options)
  await once(socket, 'secureConnect')
  return socket
}

const subjectOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN

/** Sends bytes and gives all that comes until the other side closes. */
async function exchange(socket: TLSSocket, bytes: string): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const get = (path: string, ...headers: readonly string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, '', ''].join('\r\n')

t.test('the data port speaks HTTP/1.1 over TLS', async (t) => {
  const { gateway, upstream } = await startTlsGateway(t)
  for (const [offered, agreed] of [
    [['h2', 'http/1.1'], 'http/1.1'],
    [[], false],
  ] as const) {
    const socket = await open(gateway.port, { ALPNProtocols: [...offered] })
    t.equal(socket.alpnProtocol, agreed)
    t.match(await exchange(socket, get('/m/x')), /^HTTP\/1.1 200 OK[\s\S]*fine/)
  }
  t.match(upstream.seen[0]!.headers, { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a' })
  const ready = await exchange(await open(gateway.port), get('/-/ready'))
  t.equal(parseAnswer(ready).status, 200)
  t.same(gateway.errors, [])
})

t.test('what is too old, speaks only HTTP/2 or no TLS at all is turned away', async (t) => {
  const { gateway } = await startTlsGateway(t)
  const { port } = gateway
  await t.rejects(open(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }))
  await t.rejects(open(port, { ALPNProtocols: ['h2'] }), { code: /NO_APPLICATION_PROTOCOL/ })
  const plain = connectTcp(port, '127.0.0.1').on('error', () => {})
  plain.end(get('/m/x'))
  let text = ''
  plain.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(plain, 'close')
  t.notMatch(text, /HTTP/)
  t.same(gateway.recorder.begun, [])
  t.match(await exchange(await open(port), get('/m/x')), 'fine', 'the others are served')
})

t.test('a request is validated over TLS as it is without', async (t) => {
  const { gateway } = await startTlsGateway(t)
  const ask = async (bytes: string) => parseAnswer(await exchange(await open(gateway.port), bytes))
  t.equal((await ask(get('/m/x', 'Host: b'))).field('x-serin-error'), 'SERIN_BAD_REQUEST')
  t.equal((await ask('GET\r\n\r\n')).status, 400)
  t.equal((await ask(get('/m/x', `X: ${'x'.repeat(20_000)}`))).status, 431)
  t.equal((await ask(get('https://a/m/x'))).status, 200)
})

t.test('the protocol that a trusted proxy names is kept, nobody else is believed', async (t) => {
  const own = 'X-Forwarded-Proto: http'
  for (const [trustedProxies, proto] of [
    [[], 'https'],
    [['127.0.0.1'], 'http'],
  ] as const) {
    const options = { config: { trustedProxies }, passthrough: '' }
    const { gateway, upstream } = await startTlsGateway(t, options)
    for (const path of ['/m/x', '/else']) {
      t.match(await exchange(await open(gateway.port), get(path, own)), 'fine')
    }
    t.same(
      upstream.seen.map(({ headers }) => headers['x-forwarded-proto']),
      [proto, proto],
    )
  }
})

t.test('a renewed certificate is shown to new connections, and old ones go on', async (t) => {
  const { gateway, certificate, files } = await startTlsGateway(t)
  const old = await open(gateway.port)
  t.equal(subjectOf(old), 'first.test')
  t.equal(certificate.read().isNew, false)
  certificate.read().serve()

  writePair(files, SECOND)
  const renewal = certificate.read()
  t.equal(renewal.isNew, true)
  const between = await open(gateway.port)
  t.equal(subjectOf(between), 'first.test', 'reading alone changes nothing')
  renewal.serve()
  t.equal(certificate.read().isNew, false)
  const fresh = await open(gateway.port, { servername: 'second.test' })
  t.equal(subjectOf(fresh), 'second.test')
  await t.rejects(
    open(gateway.port, { servername: 'second.test', maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
  )
  for (const socket of [old, between, fresh]) t.match(await exchange(socket, get('/m/x')), 'fine')
})

t.test('a certificate that is out of time is served, and told of', (t) => {
  const files = { cert: `${t.testdir({})}/cert.pem`, key: `${t.testdirName}/key.pem` }
  writePair(files, FIRST)
  const warnings: unknown[] = []
  let now = Date.UTC(2049, 11, 30)
  const certificate = new ServedCertificate(files, {
    clock: { now: () => now },
    log: { warn: (...line: readonly unknown[]) => void warnings.push(line) },
  })
  t.equal(certificate.notAfter, Date.UTC(2049, 11, 31))
  t.equal(certificate.describe(), null)
  now = Date.UTC(2050, 0, 1)
  const warning =
    'the certificate of gateway.tls has expired (2049-12-31T00:00:00.000Z): clients refuse it'
  t.equal(certificate.describe(), warning, 'it expires while it is served')
  certificate.read().serve()
  t.same(warnings, [], 'it is the one that was there')
  writePair(files, SECOND)
  certificate.read().serve()
  t.same(warnings, [[{ warning }, 'the configuration deserves a second look']])
  t.end()
})

t.test('files that are no pair are not taken', async (t) => {
  const { gateway, certificate, files } = await startTlsGateway(t)
  writeFileSync(files.cert, SECOND.cert)
  t.throws(() => certificate.read(), /key values mismatch/)
  t.throws(() => new ServedCertificate(files, DEPS), /key values mismatch/)
  t.throws(() => new ServedCertificate({ ...files, key: '/absent' }, DEPS), { code: 'ENOENT' })
  const socket = await open(gateway.port)
  t.equal(subjectOf(socket), 'first.test')
  socket.destroy()
})

t.test('connections over TLS are found and cut like others', async (t) => {
  const { gateway } = await startTlsGateway(t)
  const sockets = trackSockets(gateway.server.server)
  const socket = await open(gateway.port)
  socket.on('error', () => {})
  const closed = once(socket.resume(), 'close')
  sockets.destroyAll()
  await closed
  t.pass('the client sees the end')
})

t.test('WebSocket passes over TLS', async (t) => {
  const { gateway, upstream } = await startTlsGateway(t, { passthrough: '' })
  const asked = new Promise<unknown>((resolve) => {
    upstream.server.once('upgrade', (req, socket) => {
      resolve(req.headers['x-forwarded-proto'])
      socket.destroy()
    })
  })
  const dispatcher = new Agent({ connect: { ca: authority.cert, servername: 'first.test' } })
  const client = new WebSocket(`wss://127.0.0.1:${gateway.port}/else`, { dispatcher })
  client.onerror = () => {}
  t.equal(await asked, 'https')
  client.close()
  await dispatcher.destroy()
})
