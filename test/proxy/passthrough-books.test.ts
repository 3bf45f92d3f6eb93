import t from 'tap'
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import {
  refusedOrigin,
  startCannedUpstream,
  startStreamingUpstream,
  startUpstream,
} from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import {
  agreement,
  handshake,
  startSessionUpstream,
  type Peer,
} from '../support/session-upstream.ts'
import { startGateway, type TestGateway } from '../support/start-gateway.ts'

const LIMITS = { bodyBytes: 10, headerBytes: 16_384, inFlight: 1 }

const ask = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: front', 'Connection: close', ...headers, '', body].join('\r\n')

const CHUNKED = ['Transfer-Encoding: chunked', 'Content-Type: text/plain']

/** Resolves when so many requests of the passthrough have ended. */
async function ended(gateway: TestGateway, count: number): Promise<void> {
  while (gateway.passed.length < count) await new Promise((resolve) => setImmediate(resolve))
}

t.test('each request is counted by its outcome and status, and has its line', async (t) => {
  const upstream = await startUpstream((req, res) => {
    res.writeHead(Number(req.url!.slice(1, 4)), { 'x-request-id': 'theirs' }).end('12345')
  })
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    config: { accessSample: 0.5 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const path of ['/200?secret=s', '/404', '/200', '/503', '/200']) {
    const id = `X-Request-Id: r${path.slice(0, 4)}`
    const body = ask(`POST ${path}`, ['Content-Length: 3', 'Content-Type: a/b', id], 'abc')
    const answer = parseAnswer(await rawExchange(gateway.port, body))
    t.equal(answer.field('x-request-id'), `r${path.slice(0, 4)}`, 'the id of the line')
  }
  await ended(gateway, 5)
  t.same(gateway.passed, [
    ['ok', 200],
    ['ok', 404],
    ['ok', 200],
    ['failed', 503],
    ['ok', 200],
  ])
  t.same(gateway.refused.size, 0)
  t.match(gateway.accessLog, [
    { status: 404, level: 'info' },
    { status: 503, level: 'warn' },
  ])
  t.match(gateway.accessLog[1], {
    ...{ requestId: 'r/503', service: null, variant: null, reason: null, method: 'POST' },
    ...{ path: '/503', outcome: 'failed', code: null, flags: '-', upstream: upstream.origin },
    ...{ attempts: 1, requestBytes: 3, answerBytes: 5, connectMs: null },
    ...{ ms: Number, firstByteMs: Number, bodyMs: Number },
  })
  t.equal(upstream.seen[0]!.headers['x-request-id'], 'r/200')
})

t.test('a request without an id gets one, there and back', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, ask('GET /x')))
  t.equal(answer.field('x-request-id'), 'id-1')
  t.equal(upstream.seen[0]!.headers['x-request-id'], 'id-1')
})

t.test('what fails at the upstream is its failure, and no refusal of the gateway', async (t) => {
  const nonsense = await startCannedUpstream('nonsense\r\n\r\n')
  const cut = await startCannedUpstream('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
  t.teardown(() => Promise.all([nonsense.close(), cut.close()]))
  const refused = await refusedOrigin()
  for (const [origin, line] of [
    [refused, { status: 502, code: 'SERIN_UPSTREAM_REFUSED', flags: 'UF', firstByteMs: null }],
    [nonsense.origin, { status: 502, code: 'SERIN_UPSTREAM_PROTOCOL', flags: 'UPE' }],
    [cut.origin, { status: 200, code: 'SERIN_UPSTREAM_TRUNCATED', flags: 'UC', answerBytes: 3 }],
  ] as const) {
    const gateway = await startGateway([], {
      passthrough: origin,
      config: { accessSample: 0 },
    })
    await rawExchange(gateway.port, ask('GET /x'))
    await ended(gateway, 1)
    t.same(gateway.passed, [['failed', line.status]])
    t.equal(gateway.refused.size, 0)
    t.match(gateway.accessLog, [{ outcome: 'failed', upstream: origin, level: 'warn', ...line }])
    await gateway.close()
  }
})

t.test('it has its place among limits.inFlight until it ends, whoever leaves', async (t) => {
  const answers: ServerResponse[] = []
  const upstream = await startStreamingUpstream((_req, res) => answers.push(res))
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    config: { limits: LIMITS },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(ask('GET /slow'))
  while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(gateway.exchanges.count, 1)
  const refused = parseAnswer(await rawExchange(gateway.port, ask('GET /x')))
  t.equal(refused.status, 503)
  t.equal(refused.field('x-serin-error'), 'SERIN_OVERLOADED')
  t.same([...gateway.refused], [['SERIN_OVERLOADED', 1]])
  t.equal(answers.length, 1, 'the upstream sees nothing of it')
  client.close()
  await ended(gateway, 1)
  t.same(gateway.passed, [['client_closed', 499]])
  t.equal(gateway.exchanges.count, 0)
  t.match(gateway.accessLog.at(-1), { code: 'SERIN_CLIENT_CLOSED', flags: 'DC', level: 'info' })
  const next = new RawConnection(gateway.port).send(ask('GET /x'))
  while (answers.length === 1) await new Promise((resolve) => setImmediate(resolve))
  answers[1]!.end('now')
  t.equal(parseAnswer(await next.closed()).body, 'now')
})

t.test('a chunked body has the limit that bodies with a length have', async (t) => {
  const upstream = await startStreamingUpstream((req, res) => {
    req.on('error', () => {}).resume()
    req.on('end', () => res.end('whole'))
  })
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    config: { limits: LIMITS, accessSample: 0 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const send = async (chunks: string) =>
    parseAnswer(await rawExchange(gateway.port, ask('POST /x', CHUNKED, chunks)))
  t.equal((await send('a\r\n0123456789\r\n0\r\n\r\n')).body, 'whole')
  const answer = await send('a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n')
  t.equal(answer.status, 413)
  t.equal(answer.field('x-serin-error'), 'SERIN_BODY_TOO_LARGE')
  await ended(gateway, 2)
  t.same(gateway.passed[1], ['client_closed', 413], 'booked as for services')
  t.match(gateway.accessLog, [{ status: 413, flags: 'DPE', level: 'warn' }])
})

t.test('a body that does not come is given up, one that the upstream holds is not', async (t) => {
  const upstream = await startStreamingUpstream((req) => req.on('error', () => {}))
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    limits: { bodyIdleMs: 50 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const head = ask('POST /x', ['Content-Length: 9', 'Content-Type: a/b', 'Expect: 100-continue'])
  const answer = await new RawConnection(gateway.port).send(head).closed()
  t.match(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 408 /)
  t.same(gateway.passed, [['client_closed', 408]])
  // Far more than all buffers on the way take.
  const big = new RawConnection(gateway.port)
  big.send(
    ask('POST /x', ['Content-Length: 50000000', 'Content-Type: a/b'], 'x'.repeat(20_000_000)),
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal(gateway.passed.length, 1, 'it is the upstream that is slow')
  big.close()
})

t.test('a malformed body ends its request, at the upstream too', async (t) => {
  const closed: Promise<unknown>[] = []
  const upstream = await startStreamingUpstream((req) => {
    closed.push(new Promise((resolve) => req.on('error', () => {}).on('close', resolve)))
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(ask('POST /x', CHUNKED, '1\r\na\r\n'))
  while (closed.length === 0) await new Promise((resolve) => setImmediate(resolve))
  client.send('nonsense\r\n')
  t.equal(parseAnswer(await client.closed()).status, 400)
  t.same(gateway.passed, [['client_closed', 400]])
  await closed[0]
})

t.test('who does not read its answer loses its place', async (t) => {
  const upstream = await startStreamingUpstream((_req, res) => {
    res.writeHead(200)
    const more = () => {
      while (res.write('x'.repeat(100_000)));
      res.once('drain', more)
    }
    res.on('error', () => {})
    more()
  })
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    limits: { writeStallMs: 100 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.socket.pause()
  client.send(ask('GET /x'))
  await ended(gateway, 1)
  t.same(gateway.passed, [['client_closed', 200]])
  client.close()
})

t.test(
  'refusals of the path, the type and the method are in the form of all refusals',
  async (t) => {
    const upstream = await startUpstream((_req, res) => res.end())
    const gateway = await startGateway([], { passthrough: upstream.origin })
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    for (const [bytes, status, code] of [
      [ask('GET /a/%2e%2e/b'), 400, 'SERIN_BAD_REQUEST'],
      [
        ask('POST /a', ['Content-Type: foo', 'Content-Length: 1'], 'x'),
        415,
        'SERIN_UNSUPPORTED_MEDIA_TYPE',
      ],
      [ask('PROPFIND /a'), 501, 'SERIN_NOT_IMPLEMENTED'],
    ] as const) {
      const answer = parseAnswer(await rawExchange(gateway.port, bytes))
      t.equal(answer.status, status)
      t.equal(answer.field('content-type'), 'application/problem+json')
      t.equal(answer.field('x-serin-error'), code)
      t.equal(gateway.refused.get(code), 1)
      t.match(gateway.accessLog.at(-1), { status, code, outcome: 'rejected', upstream: '' })
    }
    t.same(gateway.passed, [], 'none of them went to the passthrough')
    t.equal(gateway.exchanges.count, 0)
    t.equal(upstream.seen.length, 0)
  },
)

t.test('a stop ends what runs too long: streams later than the rest', async (t) => {
  let asked = 0
  const upstream = await startStreamingUpstream((req, res) => {
    asked++
    if (req.url === '/events')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const events = new RawConnection(gateway.port).send(ask('GET /events'))
  await events.receive('text/event-stream')
  const slow = new RawConnection(gateway.port).send(ask('GET /slow'))
  while (asked < 2) await new Promise((resolve) => setImmediate(resolve))
  gateway.exchanges.closeAll('other')
  t.equal(parseAnswer(await slow.closed()).field('x-serin-error'), 'SERIN_SHUTTING_DOWN')
  t.same(gateway.passed, [['rejected', 503]])
  gateway.exchanges.closeAll('stream')
  t.notMatch(await events.closed(), /0\r\n\r\n$/, 'visibly cut')
  t.same(gateway.passed[1], ['rejected', 200])
})

/** Agrees to a session (RFC 6455 section 4.2.2). */
function agree(peer: Peer, head: string): void {
  const [, key] = /sec-websocket-key: (.*)\r\n/i.exec(head)!
  const hash = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  const lines = ['Upgrade: websocket', 'Connection: Upgrade']
  peer.send(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n`)
  peer.send(`Sec-WebSocket-Accept: ${hash.digest('base64')}\r\n\r\n`)
}

t.test(
  'a WebSocket session has its place until it ends, and is booked by its handshake',
  async (t) => {
    const upstream = await startSessionUpstream(agree)
    const gateway = await startGateway([], {
      passthrough: upstream.origin,
      config: { limits: LIMITS },
      limits: { tunnelFollowMs: 50 },
    })
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const client = new RawConnection(gateway.port).send(handshake('/chat'))
    const peer = await upstream.peer()
    t.match(await client.receive('\r\n\r\n'), 'HTTP/1.1 101 ')
    t.equal(gateway.exchanges.count, 1)
    t.equal(parseAnswer(await rawExchange(gateway.port, handshake('/chat'))).status, 503)
    peer.close()
    // It is told so (RFC 6455 section 5.5.1), and answers nothing.
    await client.receive('\x88')
    await client.closed()
    await ended(gateway, 1)
    t.same(gateway.passed, [['ok', 101]])
    t.equal(gateway.exchanges.count, 0)
    t.match(gateway.accessLog.at(-1), { status: 101, outcome: 'ok', path: '/chat', attempts: 1 })
  },
)

t.test('a session whose upstream does not agree has failed', async (t) => {
  const other = await startCannedUpstream('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  const wrong = await startCannedUpstream(agreement(), true)
  t.teardown(() => Promise.all([other.close(), wrong.close()]))
  for (const [origin, code] of [
    [await refusedOrigin(), 'SERIN_UPSTREAM_REFUSED'],
    [other.origin, 'SERIN_UPSTREAM_PROTOCOL'],
    [wrong.origin, 'SERIN_UPSTREAM_PROTOCOL'],
  ] as const) {
    const gateway = await startGateway([], { passthrough: origin })
    const client = new RawConnection(gateway.port).send(handshake('/chat'))
    await client.receive('\x88')
    client.close()
    await ended(gateway, 1)
    t.same(gateway.passed, [['failed', 101]])
    t.match(gateway.accessLog.at(-1), { code, outcome: 'failed', level: 'warn' })
    await gateway.close()
  }
})

t.test("a session whose client leaves first is nobody's failure", async (t) => {
  // It never answers.
  const upstream = await startSessionUpstream(() => {})
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake('/chat'))
  await upstream.peer()
  client.close()
  await ended(gateway, 1)
  t.same(gateway.passed, [['client_closed', 101]])
})

t.test('a session that is quiet for too long is closed, one that is used is not', async (t) => {
  const upstream = await startSessionUpstream(agree)
  const gateway = await startGateway([], {
    passthrough: upstream.origin,
    limits: { tunnelIdleMs: 100 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake('/chat'))
  const peer = await upstream.peer()
  // One empty ping each time: longer than the limit in all.
  for (let n = 0; n < 10; n++) {
    peer.send('\x89\x00')
    await client.until((bytes) => bytes.filter((byte) => byte === 0x89).length > n)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.notOk(client.isClosed)
  await client.closed()
  await ended(gateway, 1)
  t.same(gateway.passed, [['no_answer', 101]])
  t.match(gateway.accessLog.at(-1), { code: 'SERIN_UPSTREAM_IDLE_TIMEOUT', flags: 'SI' })
})

t.test('handshakes that are none are refused, and went nowhere', async (t) => {
  const upstream = await startSessionUpstream(agree)
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const keyless = handshake('/chat').replace('Sec-WebSocket-Key', 'X-Key')
  t.equal(parseAnswer(await rawExchange(gateway.port, keyless)).status, 400)
  const escaping = handshake('/chat/%2e%2e/x')
  t.equal(parseAnswer(await rawExchange(gateway.port, escaping)).status, 400)
  t.same([...gateway.refused], [['SERIN_BAD_REQUEST', 2]])
  t.same(gateway.passed, [])
  t.equal(gateway.exchanges.count, 0)
  t.equal(upstream.peers.length, 0)
})
