import t from 'tap'
import { answerClientError } from '../../src/proxy/client-error.ts'
import { startStreamingUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const refused: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
  ['two Host fields', 'GET /m/x HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', 400, 'BAD_REQUEST'],
  ['no Host', 'GET /m/x HTTP/1.1\r\n\r\n', 400, 'BAD_REQUEST'],
  ['an empty Host', 'GET /m/x HTTP/1.1\r\nHost:\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a Host that is none', 'GET /m/x HTTP/1.1\r\nHost: a b/c@d\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a Host with a bad port', 'GET /m/x HTTP/1.1\r\nHost: a:8x\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a Host with a loose bracket', 'GET /m/x HTTP/1.1\r\nHost: [::1\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a Host of brackets alone', 'GET /m/x HTTP/1.1\r\nHost: []\r\n\r\n', 400, 'BAD_REQUEST'],
  [
    'a Host with a byte beyond ASCII',
    'GET /m/x HTTP/1.1\r\nHost: \xe9\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  [
    'another host in the target',
    'GET http://b/m/x HTTP/1.1\r\nHost: a\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  ['* for a GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_REQUEST'],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'NOT_IMPLEMENTED'],
  ['another scheme', 'GET ftp://a/m/x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'BAD_REQUEST'],
  ['TRACE', 'TRACE /m/x HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'NOT_IMPLEMENTED'],
  ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'NOT_IMPLEMENTED'],
  [
    'HTTP/2.0 in the request line',
    'GET /m/x HTTP/2.0\r\nHost: a\r\n\r\n',
    505,
    'VERSION_NOT_SUPPORTED',
  ],
  ['HTTP/0.9', 'GET /m/x\r\n\r\n', 505, 'VERSION_NOT_SUPPORTED'],
  [
    'another transfer coding',
    'POST /m/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
    'NOT_IMPLEMENTED',
  ],
  [
    'a transfer coding in HTTP/1.0',
    'POST /m/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  [
    'a length beside a transfer coding',
    'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  [
    'two lengths',
    'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
    400,
    'BAD_REQUEST',
  ],
  ['a space before the colon', 'GET /m/x HTTP/1.1\r\nHost : a\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a folded line', 'GET /m/x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 400, 'BAD_REQUEST'],
  [
    'too many header lines',
    `GET /m/x HTTP/1.1\r\nHost: a\r\n${'x: 1\r\n'.repeat(256)}\r\n`,
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'header lines that are too long',
    `GET /m/x HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
    431,
    'HEADERS_TOO_LARGE',
  ],
]

t.test('requests that two readers could understand differently are refused', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const [what, bytes, status, code] of refused) {
    // Comes back only because the gateway closes the connection.
    const answer = parseAnswer(await rawExchange(gateway.port, bytes))
    t.equal(answer.status, status, what)
    t.equal(answer.field('x-serin-error'), `SERIN_${code}`, what)
    t.equal(answer.field('connection'), 'close', what)
    t.match(JSON.parse(answer.body), { status, code: `SERIN_${code}` }, what)
  }
  t.equal(upstream.seen.length, 0)
  t.equal(gateway.recorder.begun.length, 0)
})

t.test('sound requests in unusual forms are served', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const end = 'Connection: close\r\n\r\n'
  const requests: readonly (readonly [bytes: string, url: string])[] = [
    [`GET http://A:80/m/x?q HTTP/1.1\r\nHost: a:80\r\n${end}`, '/m/x?q'],
    [`GET /m/x HTTP/1.1\r\nHost: [::1]:80\r\n${end}`, '/m/x'],
    [`GET /m/x HTTP/1.1\r\nHost: a_b.c-d~e\r\n${end}`, '/m/x'],
    [`PROPFIND /m/x HTTP/1.1\r\nHost: a\r\n${end}`, '/m/x'],
    [`GET /m/x HTTP/1.1\r\nHost: a\r\n${'x: 1\r\n'.repeat(254)}${end}`, '/m/x'],
    ['GET /m/x HTTP/1.0\r\n\r\n', '/m/x'],
  ]
  for (const [bytes, url] of requests) {
    const answer = parseAnswer(await rawExchange(gateway.port, bytes))
    t.equal(answer.status, 200, bytes.slice(0, 60))
    t.equal(upstream.seen.at(-1)!.url, url)
  }
  const root = parseAnswer(
    await rawExchange(gateway.port, `GET http://a HTTP/1.1\r\nHost: a\r\n${end}`),
  )
  t.equal(root.status, 404)
})

t.test('what belongs to no service is answered with 404 or 405', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin)], {
      match: { path: '/m/*', methods: ['POST', 'PUT'], host: 'models.example' },
    }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const ask = async (line: string, host: string) => {
    const bytes = `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    return parseAnswer(await rawExchange(gateway.port, bytes))
  }
  t.equal((await ask('POST /m/x', 'Models.Example:8080')).status, 200)
  const unknown = await ask('POST /m/x', 'other')
  t.equal(unknown.status, 404)
  t.equal(unknown.field('x-serin-error'), 'SERIN_NO_ROUTE')
  const method = await ask('GET /m/x', 'models.example')
  t.equal(method.status, 405)
  t.equal(method.field('allow'), 'POST, PUT')
  t.equal((await ask('GET /%ff', 'a')).status, 404)
})

t.test('the health path says whether the gateway wants traffic, and no more', async (t) => {
  const gateway = await startGateway([])
  t.teardown(() => gateway.close())
  const ask = async () => {
    const bytes = 'GET /-/ready?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    return parseAnswer(await rawExchange(gateway.port, bytes))
  }
  t.match(await ask(), { status: 200, body: '' })
  gateway.state.isReady = false
  gateway.state.isDraining = true
  t.match(await ask(), { status: 503, body: '' })
})

t.test("a body with a broken chunk ends its exchange as the client's", async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n')
  t.equal(parseAnswer(await client.closed()).status, 400)
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed' })
  t.equal(upstream.seen.length, 0)
})

t.test('a broken chunk after the answer began cuts it: nothing may be added', async (t) => {
  const upstream = await startStreamingUpstream((_req, res) => res.write('begun'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
  await client.receive('begun')
  client.send('zz\r\n')
  t.equal((await client.closed()).match(/HTTP\/1\.1/g)!.length, 1)
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
})

t.test('a client that resets its connection gets no answer', async (t) => {
  let isDestroyed = false
  const socket = { writable: true, destroy: () => (isDestroyed = true), end: () => t.fail() }
  answerClientError({ code: 'ECONNRESET' }, socket as never)
  t.ok(isDestroyed)
})
