import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { headWithoutUpgrade } from '../../../src/proxy/ignore-upgrade.ts'
import { startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { agreement, handshake } from '../../support/session-upstream.ts'
import {
  serviceWith,
  startGateway,
  variantAt,
  type TestGatewayOptions,
} from '../../support/start-gateway.ts'

/** As Java's HttpClient asks for HTTP/2. */
const H2C = ['Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAEAAEAA', 'Upgrade: h2c']

const ask = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: a', ...H2C, ...headers, '', body].join('\r\n')

async function start(t: Test, options: TestGatewayOptions = {}) {
  const upstream = await startUpstream((req, res, { body }) =>
    res.end(`[${req.url} ${body.toString()}]`),
  )
  const gateway = await startGateway(
    [serviceWith([variantAt('baseline', upstream.origin)])],
    options,
  )
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return { upstream, gateway }
}

t.test(
  'requests that ask for HTTP/2 are served on one connection, with their bodies',
  async (t) => {
    const { upstream, gateway } = await start(t)
    const client = new RawConnection(gateway.port)
    client.send(ask('GET /m/1'))
    await client.receive('[/m/1 ]')
    client.send(ask('POST /m/2', ['Content-Length: 5'], 'ab'))
    // The rest comes later.
    await new Promise((resolve) => setImmediate(resolve))
    client.send('cde')
    await client.receive('[/m/2 abcde]')
    client.send(ask('POST /m/3', ['Transfer-Encoding: chunked'], '2\r\nab\r\n1\r\n'))
    await new Promise((resolve) => setImmediate(resolve))
    client.send('c\r\n0\r\n\r\n')
    await client.receive('[/m/3 abc]')
    client.send('GET /m/4 HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.receive('[/m/4 ]')
    client.send(ask('GET /m/5', ['X-A: \xe9', 'x-a:', 'Connection: X-B, close', 'X-B: 1']))
    t.match(await client.closed(), '[/m/5 ]')
    t.equal(client.text.match(/HTTP\/1\.1 200/g)!.length, 5)
    t.notMatch(client.text, '101')
    for (const { headers, rawHeaders } of upstream.seen) {
      t.equal(headers.upgrade, undefined)
      t.equal(headers['http2-settings'], undefined)
      t.notMatch(String(headers.connection), 'upgrade')
      t.notOk(rawHeaders.includes('X-B'))
    }
    t.same(
      upstream.seen[4]!.rawHeaders.filter((_, n, all) => /^x-a$/i.test(all[n - (n % 2)]!)),
      ['X-A', '\xe9', 'x-a', ''],
    )
    t.match(gateway.recorder.ends, [
      { outcome: 'ok' },
      { outcome: 'ok' },
      {},
      {},
      { outcome: 'ok' },
    ])
  },
)

t.test('pipelined requests are all served, in their order', async (t) => {
  const waiting: (() => void)[] = []
  let wake: () => void = () => {}
  const upstream = await startUpstream((req, res, { body }) => {
    waiting.push(() => res.end(`[${req.url} ${body.toString()}]`))
    wake()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const plain = (n: number) => `GET /m/${n} HTTP/1.1\r\nHost: a\r\n\r\n`
  let door: Socket | null = null
  gateway.server.server.once('connection', (socket: Socket) => (door = socket))
  const client = new RawConnection(gateway.port)
  client.send(
    plain(1) +
      plain(2) +
      ask('POST /m/3', ['Content-Length: 3'], 'abc') +
      ask('POST /m/4', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n') +
      plain(5) +
      ask('GET /m/6', ['Connection: close']),
  )
  for (let n = 1; n <= 6; n++) {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    t.notOk((door as Socket | null)!.timeout, 'the time of an idle connection does not run')
    waiting.shift()!()
    if (n < 6) await client.receive(`[/m/${n}`)
  }
  const text = await client.closed()
  t.same(text.match(/\[.*?\]/g), [
    '[/m/1 ]',
    '[/m/2 ]',
    '[/m/3 abc]',
    '[/m/4 abc]',
    '[/m/5 ]',
    '[/m/6 ]',
  ])
})

t.test('a request behind a long answer does not stop it', async (t) => {
  const size = 20 * 1024 * 1024
  const upstream = await startUpstream((req, res) => {
    res.end(req.url === '/m/1' ? Buffer.alloc(size, 'x') : 'second')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.socket.removeAllListeners('data')
  let received = 0
  let last = ''
  client.socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    last = chunk.subarray(-6).toString()
  })
  client.socket.pause()
  client.send(`GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n${ask('GET /m/2', ['Connection: close'])}`)
  await gateway.recorder.until(({ heads }) => heads === 1)
  client.socket.resume()
  await client.closed()
  t.ok(received > size)
  t.equal(last, 'second')
})

t.test('a session that is asked for behind another request waits for its answer', async (t) => {
  const waiting: ServerResponse[] = []
  let wake: () => void = () => {}
  const upstream = await startUpstream((_req, res) => {
    waiting.push(res)
    wake()
  })
  upstream.server.on('upgrade', (_req: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy())
    socket.write(agreement())
    socket.pipe(socket)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(`GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n${handshake()}echo`)
  while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
  client.send(' all of it')
  t.equal(gateway.recorder.begun.length, 1)
  waiting[0]!.end('first')
  const text = await client.receive('echo all of it')
  t.match(text, /first[\s\S]*HTTP\/1\.1 101[\s\S]*\r\n\r\necho all of it$/)
  client.close()
})

t.test('nothing is served behind an answer that closes the connection', async (t) => {
  const { gateway, upstream } = await start(t)
  gateway.state.isDraining = true
  for (const next of [ask('POST /m/2', ['Content-Length: 1'], 'x'), handshake()]) {
    const text = await rawExchange(gateway.port, `GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n${next}`)
    t.equal(text.match(/HTTP\/1\.1/g)!.length, 1)
  }
  t.equal(upstream.seen.length, 2)
})

t.test('what is refused of other requests is refused of these', async (t) => {
  const { gateway, upstream } = await start(t, {
    config: { limits: { bodyBytes: 10, headerBytes: 16_384, inFlight: 10 } },
  })
  for (const [what, bytes, status] of [
    ['two hosts', ask('GET /m/x', ['Host: b']), 400],
    ['two lengths', ask('POST /m/x', ['Content-Length: 1', 'Content-Length: 1'], 'x'), 400],
    [
      'a length and a coding',
      ask('POST /m/x', ['Content-Length: 1', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
      400,
    ],
    ['another coding', ask('POST /m/x', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'), 501],
    ['a broken chunk', ask('POST /m/x', ['Transfer-Encoding: chunked'], 'zz\r\n'), 400],
    [
      'too many lines',
      ask(
        'GET /m/x',
        Array.from({ length: 254 }, () => 'a: b'),
      ),
      431,
    ],
    [
      'far too many lines',
      ask(
        'GET /m/x',
        Array.from({ length: 900 }, () => 'a: b'),
      ),
      431,
    ],
    ['long lines', ask('GET /m/x', [`A: ${'x'.repeat(17_000)}`]), 431],
    ['TRACE', ask('TRACE /m/x'), 501],
    ['a long body', ask('POST /m/x', ['Content-Length: 11'], 'x'.repeat(11)), 413],
    ['another expectation', ask('POST /m/x', ['Expect: x', 'Content-Length: 1'], 'x'), 417],
  ] as const) {
    const answer = parseAnswer(await rawExchange(gateway.port, bytes))
    t.equal(answer.status, status, what)
    t.equal(answer.field('connection'), 'close', what)
  }
  t.equal(upstream.seen.length, 0)
})

t.test('a client that waits for 100 gets it', async (t) => {
  const { gateway } = await start(t)
  const client = new RawConnection(gateway.port)
  client.send(ask('POST /m/x', ['Expect: 100-continue', 'Content-Length: 2']))
  await client.receive('HTTP/1.1 100 Continue\r\n\r\n')
  client.send('ab')
  await client.receive('[/m/x ab]')
  client.close()
})

t.test('a wish for a session is no handshake without its option, or from HTTP/1.0', async (t) => {
  const { gateway, upstream } = await start(t)
  const bare = 'GET /m/1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n'
  t.equal(parseAnswer(await rawExchange(gateway.port, bare)).status, 200)
  const old = handshake('/m/2').replace('HTTP/1.1', 'HTTP/1.0')
  t.equal(parseAnswer(await rawExchange(gateway.port, old)).status, 200)
  const both = handshake('/m/3', ['Connection: close']).replace('websocket', 'h2c, websocket')
  t.equal(parseAnswer(await rawExchange(gateway.port, both)).status, 200)
  t.same(
    upstream.seen.map(({ headers }) => headers.upgrade),
    [undefined, undefined, undefined],
  )
})

t.test('a connection keeps its listeners to itself, however often it asks', async (t) => {
  const { gateway } = await start(t)
  const sockets: Socket[] = []
  gateway.server.server.prependListener('connection', (socket: Socket) => sockets.push(socket))
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const client = new RawConnection(gateway.port)
  const counts = async (n: number) => {
    client.send(ask(`GET /m/${n}`))
    await client.receive(`[/m/${n} ]`)
    const socket = sockets[0]!
    return socket.eventNames().map((name) => `${String(name)} ${socket.listenerCount(name)}`)
  }
  const first = await counts(0)
  for (let n = 1; n < 30; n++) t.same((await counts(n)).toSorted(), first.toSorted())
  t.same(new Set(sockets).size, 1)
  t.same(warnings, [])
  client.close()
})

t.test('services and passthrough are asked in this order, for every upgrade', async (t) => {
  const { gateway, upstream } = await start(t)
  const behind = await startUpstream((_req, res, { body }) => res.end(`behind ${body.toString()}`))
  const both = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    passthrough: behind.origin,
  })
  t.teardown(() => Promise.all([both.close(), behind.close()]))
  t.equal(gateway.server.server.listenerCount('upgrade'), 1)
  t.equal(both.server.server.listenerCount('upgrade'), 1)
  const client = new RawConnection(both.port)
  client.send(ask('POST /m/1', ['Content-Length: 1'], 'x'))
  await client.receive('[/m/1 x]')
  client.send(ask('POST /other', ['Content-Type: text/plain', 'Content-Length: 2'], 'xy'))
  await client.receive('behind xy')
  t.equal(behind.seen[0]!.headers.upgrade, undefined)
  client.close()
})

t.test('a head is written again as it came, without the upgrade alone', async (t) => {
  const req = (connection: string) => ({
    method: 'PUT',
    url: '/a?b',
    httpVersion: '1.0',
    rawHeaders: ['Host', 'a', 'CONNECTION', connection, 'upgrade', 'h2c', 'X', '\xff'],
  })
  const head = (connection: string) => headWithoutUpgrade(req(connection) as never)
  t.equal(head('Upgrade'), 'PUT /a?b HTTP/1.0\r\nHost: a\r\nX: \xff\r\n\r\n')
  t.match(head('keep-alive, Upgrade,x ,http2-settings'), '\r\nCONNECTION: keep-alive,x\r\n')
})
