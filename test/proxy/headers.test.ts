import t from 'tap'
import { startCannedUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import type { TestGatewayOptions } from '../support/start-gateway.ts'

async function setUp(t: Tap, options: TestGatewayOptions = {}) {
  const upstream = await startUpstream((_req, res) => res.end('ok'))
  const service = serviceWith([variantAt('baseline', upstream.origin)])
  const gateway = await startGateway([service], options)
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return { upstream, gateway }
}
type Tap = { teardown: (fn: () => unknown) => void }

const get = (lines: readonly string[]) =>
  ['GET /m/x HTTP/1.1', 'Host: models.example:80', ...lines, '', ''].join('\r\n')

t.test('request fields keep their order, case and number', async (t) => {
  const { upstream, gateway } = await setUp(t)
  await rawExchange(
    gateway.port,
    get(['X-B: 1', 'x-a: caf\xe9', 'X-b: 2', 'Cookie: a=1', 'cookie: b=2', 'Connection: close']),
  )
  const raw = upstream.seen[0]!.rawHeaders
  t.same(raw.slice(0, 4), ['host', upstream.origin.slice(7), 'connection', 'keep-alive'])
  t.same(raw.slice(4, 14), [
    'X-B',
    '1',
    'x-a',
    'caf\xe9',
    'X-b',
    '2',
    'Cookie',
    'a=1',
    'cookie',
    'b=2',
  ])
})

t.test('answer fields keep their order, case and number', async (t) => {
  const head = 'X-Z: \xe9\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: 1\r\nx-a: 2'
  const upstream = await startCannedUpstream(
    `HTTP/1.1 201 Sehr gut\r\n${head}\r\nContent-Length: 2\r\n\r\nok`,
  )
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const text = await rawExchange(gateway.port, get(['Connection: close']))
  const answer = parseAnswer(text)
  t.equal(answer.status, 201)
  t.equal(answer.reason, 'Sehr gut')
  t.ok(text.includes(head), text)
  t.equal(answer.body, 'ok')
})

t.test('hop-by-hop fields stay on their connection, in both directions', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, {
      connection: 'X-Bar, keep-alive, content-type',
      'x-bar': '1',
      'keep-alive': 'timeout=9',
      'proxy-authenticate': 'Basic',
      upgrade: 'h2c',
      te: 'x',
      'proxy-connection': 'keep-alive',
      'content-type': 'text/plain',
      'content-length': '0',
    })
    res.end()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const text = await rawExchange(
    gateway.port,
    get([
      'Connection: close, X-Foo, Content-Type, Authorization, X-Forwarded-For, Via, X-Request-Id',
      'X-Foo: 1',
      'Content-Type: text/x',
      'Authorization: Basic x',
      'X-Request-Id: mine',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic x',
      'Upgrade: h2c',
      'TE: trailers',
      'Trailer: X-T',
    ]),
  )
  const { headers } = upstream.seen[0]!
  for (const name of ['x-foo', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te']) {
    t.equal(headers[name], undefined, name)
  }
  t.equal(headers.upgrade, undefined)
  t.equal(headers.trailer, undefined)
  t.equal(headers.connection, 'keep-alive')
  t.match(headers, {
    'content-type': 'text/x',
    authorization: 'Basic x',
    via: '1.1 serin-test',
    'x-forwarded-for': '127.0.0.1',
    'x-request-id': 'mine',
  })
  const answer = parseAnswer(text)
  for (const name of ['x-bar', 'keep-alive', 'upgrade', 'te', 'proxy-connection']) {
    t.equal(answer.field(name), null, name)
  }
  t.equal(answer.field('proxy-authenticate'), null)
  t.equal(answer.field('content-type'), 'text/plain')
  t.equal(answer.field('connection'), 'close')
})

t.test(
  'what a client says about forwarding is replaced, and its x-serin fields are dropped',
  async (t) => {
    const { upstream, gateway } = await setUp(t)
    await rawExchange(
      gateway.port,
      get([
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: evil',
        'X-Forwarded-Port: 1',
        'Forwarded: for=6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'X-Serin-Variant: canary',
        'X-Serin-Secret: s',
        'Via: 1.0 edge',
        'traceparent: 00-a-b-01',
        'Connection: close',
      ]),
    )
    const { headers } = upstream.seen[0]!
    t.match(headers, {
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'models.example:80',
      'x-serin-variant': 'baseline',
      via: '1.0 edge, 1.1 serin-test',
      traceparent: '00-a-b-01',
      host: upstream.origin.slice(7),
    })
    for (const name of ['x-forwarded-port', 'forwarded', 'x-real-ip', 'x-serin-secret']) {
      t.equal(headers[name], undefined, name)
    }
  },
)

t.test('a trusted proxy is believed, and appended to', async (t) => {
  const { upstream, gateway } = await setUp(t, { config: { trustedProxies: ['127.0.0.0/8'] } })
  await rawExchange(
    gateway.port,
    get([
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-For: 10.0.0.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: front',
      'Forwarded: for=6.6.6.6',
      'Connection: close',
    ]),
  )
  t.match(upstream.seen[0]!.headers, {
    'x-forwarded-for': '6.6.6.6, 10.0.0.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'front',
    forwarded: 'for=6.6.6.6',
  })
})

t.test('a request id is kept, echoed, and made where there is none or a bad one', async (t) => {
  const { upstream, gateway } = await setUp(t)
  const ask = async (lines: readonly string[]) =>
    parseAnswer(await rawExchange(gateway.port, get([...lines, 'Connection: close'])))
  t.equal((await ask(['X-Request-ID: abc'])).field('x-request-id'), 'abc')
  t.ok(upstream.seen[0]!.rawHeaders.includes('X-Request-ID'))
  t.equal((await ask([])).field('x-request-id'), 'id-1')
  t.equal(upstream.seen[1]!.headers['x-request-id'], 'id-1')
  t.equal((await ask([`X-Request-Id: ${'x'.repeat(201)}`])).field('x-request-id'), 'id-2')
  t.equal((await ask(['X-Request-Id: a b'])).field('x-request-id'), 'id-3')
  t.same(
    gateway.recorder.begun.map(({ requestId }) => requestId),
    ['abc', 'id-1', 'id-2', 'id-3'],
  )
})

t.test('a request that came through this gateway before is refused as a loop', async (t) => {
  const { upstream, gateway } = await setUp(t)
  const answer = parseAnswer(
    await rawExchange(gateway.port, get(['Via: 1.1 edge, 1.1 serin-test', 'Connection: close'])),
  )
  t.equal(answer.status, 508)
  t.equal(answer.field('x-serin-error'), 'SERIN_LOOP_DETECTED')
  t.equal(answer.field('proxy-status'), 'serin-test; error=proxy_loop_detected')
  t.equal(upstream.seen.length, 0)
})

t.test('early hints and processing pass, and other 1xx answers do not', async (t) => {
  const upstream = await startCannedUpstream(
    'HTTP/1.1 102 Processing\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\n\r\n' +
      'HTTP/1.1 104 What\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  )
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const text = await rawExchange(gateway.port, get(['Connection: close']))
  t.match(text, /^HTTP\/1\.1 102 Processing\r\n/)
  t.match(text, 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload')
  t.notMatch(text, 'nonsense')
  t.notMatch(text, ' 104 ')
  t.match(text, /\r\n\r\nok$/)
})

t.test('trailers pass to clients that take them, and to no others', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { trailer: 'X-Sum, X-Serin-Variant' })
    res.write('body')
    res.addTrailers({ 'X-Sum': '42', 'Cache-Control': 'x', 'X-Serin-Variant': 'x' })
    res.end()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const taken = await rawExchange(gateway.port, get(['TE: trailers', 'Connection: close, TE']))
  t.match(taken, /0\r\nX-Sum: 42\r\n\r\n$/)
  t.match(taken, /trailer: X-Sum/i)
  const dropped = await rawExchange(gateway.port, get(['Connection: close']))
  t.match(dropped, /\r\n0\r\n\r\n$/)
  t.notMatch(dropped, /trailer:/i)
})

t.test('a reason that is not ASCII is replaced by the usual one', async (t) => {
  const upstream = await startCannedUpstream(
    'HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 0\r\n\r\n',
  )
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, get(['Connection: close'])))
  t.match(answer, { status: 200, reason: 'OK' })
})

t.test('an answer with a field that cannot be written is a protocol error', async (t) => {
  const upstream = await startCannedUpstream(
    'HTTP/1.1 200 OK\r\nX-A: a\x7fb\r\nContent-Length: 0\r\n\r\n',
  )
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, get(['Connection: close'])))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_PROTOCOL')
})
