import t from 'tap'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'undici'
import {
  refusedOrigin,
  startCannedUpstream,
  startRawUpstream,
  startStreamingUpstream,
  startUpstream,
} from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { signal } from '../support/witness.ts'

const ask = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: front', 'Connection: close', ...headers, '', body].join('\r\n')

/** Answers a WebSocket handshake (RFC 6455 section 4.2.2). */
function accept(socket: Duplex, key: string): void {
  const hash = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  socket.write(`${head}Sec-WebSocket-Accept: ${hash.digest('base64')}\r\n\r\n`)
}

/** One unmasked text frame shorter than 126 bytes. */
function textFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])
}

t.test(
  'requests of no service pass, with forwarding fields and without hop-by-hop ones',
  async (t) => {
    const upstream = await startUpstream((_req, res, { body }) => {
      res.writeHead(200, { 'x-a': '1', 'x-serin-variant': 'fake', 'proxy-connection': 'x' })
      res.end(body)
    })
    const gateway = await startGateway([], { passthrough: upstream.origin })
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const text = await rawExchange(
      gateway.port,
      ask(
        'POST /v2/repository?x=%2F',
        [
          'Keep-Alive: timeout=5',
          'Upgrade: h2c',
          'X-Forwarded-For: 6.6.6.6',
          'X-Serin-Secret: s',
          'Content-Type: text/plain',
          'Content-Length: 4',
        ],
        '\xff\xfe\x00a',
      ),
    )
    const answer = parseAnswer(text)
    t.equal(answer.status, 200)
    t.match(answer.body, '\xff\xfe\x00a', 'the bytes of a text are not decoded')
    t.equal(answer.field('x-a'), '1')
    t.equal(answer.field('x-serin-variant'), null)
    t.equal(answer.field('proxy-connection'), null)
    const seen = upstream.seen[0]!
    t.equal(seen.url, '/v2/repository?x=%2F')
    t.match(seen.headers, {
      via: '1.1 serin-test',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'front',
      'x-forwarded-proto': 'http',
    })
    for (const name of ['keep-alive', 'upgrade', 'x-serin-secret']) {
      t.equal(seen.headers[name], undefined, name)
    }
  },
)

t.test('a connection of the passthrough is replaced when it is 30 s old', async (t) => {
  const sockets = new Set<unknown>()
  const upstream = await startUpstream((req, res) => {
    sockets.add(req.socket)
    res.end()
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  const { now } = Date
  t.teardown(() => {
    Date.now = now
    return Promise.all([gateway.close(), upstream.close()])
  })
  const pass = async () => {
    t.equal(parseAnswer(await rawExchange(gateway.port, ask('GET /v2/health'))).status, 200)
    return sockets.size
  }
  t.equal(await pass(), 1)
  t.equal(await pass(), 1, 'it is kept alive')
  Date.now = () => now() + 31_000
  t.equal(await pass(), 2, 'its name is looked up anew')
})

t.test('a trusted proxy is believed on the passthrough too', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    config: { trustedProxies: ['127.0.0.1'] },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const lines = ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'Via: 1.0 edge']
  await rawExchange(gateway.port, ask('GET /x', lines))
  await rawExchange(gateway.port, ask('GET /x'))
  t.match(upstream.seen[0]!.headers, {
    'x-forwarded-for': '6.6.6.6, 127.0.0.1',
    'x-forwarded-proto': 'https',
    via: '1.0 edge, 1.1 serin-test',
  })
  t.equal(upstream.seen[1]!.headers['x-forwarded-for'], '127.0.0.1')
})

t.test('a 503 passes once: nothing is retried', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(503, { 'retry-after': '1' }).end('busy')
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  t.equal(parseAnswer(await rawExchange(gateway.port, ask('GET /x'))).status, 503)
  t.equal(upstream.seen.length, 1)
})

t.test('errors of the passthrough are answered as those of services', async (t) => {
  const broken = await startCannedUpstream('nonsense\r\n\r\n')
  t.teardown(() => broken.close())
  for (const [origin, code] of [
    [await refusedOrigin(), 'SERIN_UPSTREAM_REFUSED'],
    [broken.origin, 'SERIN_UPSTREAM_PROTOCOL'],
    [broken.origin.replace('http:', 'https:'), 'SERIN_UPSTREAM_TLS_PROTOCOL'],
  ] as const) {
    const gateway = await startGateway([], { passthrough: origin })
    const text = await rawExchange(gateway.port, ask('GET /x'))
    await gateway.close()
    const answer = parseAnswer(text)
    t.equal(answer.status, 502, code)
    t.equal(answer.field('x-serin-error'), code)
    t.notMatch(answer.body, '127.0.0.1')
  }
})

t.test('the head of a stream arrives before its first byte', async (t) => {
  let begin: () => void = () => {}
  const upstream = await startStreamingUpstream((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    begin = () => res.end('data: 1\n\n')
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(ask('GET /x'))
  await client.receive('text/event-stream')
  begin()
  t.match(await client.closed(), 'data: 1')
})

t.test(
  'a server that closes behind its answer is not waited for by a client that reads later',
  async (t) => {
    const connected = signal<Socket>()
    const upstream = await startRawUpstream((socket) => {
      socket.resume()
      connected.fire(socket)
    })
    const gateway = await startGateway([], { passthrough: upstream.origin })
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const accepted = signal<Socket>()
    gateway.server.server.once('connection', accepted.fire)
    const client = new RawConnection(gateway.port)
    client.socket.pause()
    client.send(ask('GET /else'))
    const [server, held] = await Promise.all([connected.promise, accepted.promise])
    server.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
    const piece = Buffer.alloc(32 * 1024, 'x')
    // Until the client takes no more, and then what the library takes before it reads no more.
    for (let more = 3; more > 0; more -= held.writableLength > 0 ? 1 : 0) {
      server.write(piece)
      await delay(2)
    }
    server.end()
    await delay(20)
    client.socket.resume()
    t.ok((await client.closed()).endsWith('x\r\n0\r\n\r\n'))
    t.same(gateway.passed, [['ok', 200]])
  },
)

t.test('limits and refusals hold for the passthrough', async (t) => {
  const upstream = await startUpstream((_req, res, { body }) => res.end(body))
  const service = serviceWith([variantAt('baseline', upstream.origin)], {
    match: { path: '/m/*', methods: ['POST'], host: null },
  })
  const gateway = await startGateway([service], {
    passthrough: upstream.origin,
    config: { limits: { bodyBytes: 10, headerBytes: 16_384, inFlight: 10 } },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const status = async (bytes: string) => parseAnswer(await rawExchange(gateway.port, bytes)).status
  t.equal(await status(ask('POST /x', ['Content-Length: 11'], 'x'.repeat(11))), 413)
  t.equal(await status(ask('GET /x', ['Via: 1.1 serin-test'])), 508)
  t.equal(upstream.seen.length, 0)
  t.equal(await status(ask('GET /m/x')), 200, 'a method that the service does not take')
  t.equal(upstream.seen[0]!.headers['x-serin-variant'], undefined)
  t.equal(await status(ask('GET /%ff')), 400, 'a path that does not decode')
  const client = new RawConnection(gateway.port)
  client.send(ask('POST /x', ['Expect: 100-continue', 'Content-Length: 4']))
  await client.receive('100 Continue')
  t.match(await client.send('body').closed(), 'body')
})

t.test('what the library does differently is as documented', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = async (bytes: string) => parseAnswer(await rawExchange(gateway.port, bytes))
  await answer(ask('GET /a/./b', ['X-B: 1', 'X-b: 2']))
  t.equal(upstream.seen[0]!.url, '/a/b', 'paths are normalised')
  t.equal(upstream.seen[0]!.headers['x-b'], '1, 2', 'lines of one name are joined')
  t.equal((await answer(ask('GET /a/%2e%2e/b'))).status, 400, 'dot segments are refused')
  const type = ['Content-Type: foo', 'Content-Length: 1']
  t.equal((await answer(ask('POST /a', type, 'x'))).status, 415, 'content types are checked')
  await answer(ask('GET /a', ['Content-Length: 1'], 'x'))
  t.equal(upstream.seen.at(-1)!.body.length, 0, 'bodies of GET are dropped')
})

t.test('WebSocket sessions of no service are tunnelled', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const handshakes: string[] = []
  upstream.server.on('upgrade', (req, socket) => {
    handshakes.push(`${req.url} ${req.headers.via} ${req.headers.cookie}`)
    accept(socket, req.headers['sec-websocket-key']!)
    // The first frame from the client is answered, whatever it says; the second ends the session.
    socket.once('data', () => {
      socket.write(textFrame('hello'))
      socket.once('data', () => socket.end())
    })
    socket.on('error', () => socket.destroy())
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new WebSocket(`${gateway.url.replace('http', 'ws')}/chat?x=1`, {
    headers: { cookie: 'a=1' },
  })
  const received = new Promise((resolve) => {
    client.addEventListener('open', () => client.send('hi'))
    client.addEventListener('message', (event) => resolve(event.data))
  })
  t.equal(await received, 'hello')
  t.same(handshakes, ['/chat?x=1 1.1 serin-test a=1'])
  client.close()
  const upgrade = (path: string, more: string) =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n${more}\r\n\r\n`
  const twoHosts = await rawExchange(
    gateway.port,
    upgrade('/chat', 'Upgrade: websocket\r\nHost: b'),
  )
  t.equal(parseAnswer(twoHosts).status, 400)
  const withBody = await rawExchange(
    gateway.port,
    upgrade('/chat', 'Upgrade: websocket\r\nContent-Length: 1'),
  )
  t.equal(parseAnswer(withBody).status, 501)
  t.equal(handshakes.length, 1)
})
