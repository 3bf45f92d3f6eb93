import t from 'tap'
import { BASELINE, CANARY } from '../../../src/domain/variant.ts'
import { refusedOrigin, startRawUpstream, startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import {
  ACCEPT,
  agreement,
  handshake,
  startSessionUpstream,
} from '../../support/session-upstream.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../../support/start-gateway.ts'

t.test('a session is tunnelled byte for byte, and booked with its handshake', async (t) => {
  const upstream = await startSessionUpstream((peer) =>
    peer.send(
      agreement([
        'Sec-WebSocket-Protocol: chat',
        'X-A: 1',
        'Content-Length: 5',
        'X-Serin-Variant: fake',
      ]),
    ),
  )
  const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(
    handshake('/m/x?q=1', [
      'Sec-WebSocket-Protocol: chat, other',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'X-Request-Id: mine',
    ]),
  )
  const answer = parseAnswer(await client.receive('\r\n\r\n'))
  t.equal(answer.status, 101)
  t.equal(answer.field('connection'), 'Upgrade')
  t.equal(answer.field('upgrade'), 'websocket')
  t.equal(answer.field('sec-websocket-accept'), ACCEPT)
  t.equal(answer.field('sec-websocket-protocol'), 'chat')
  t.equal(answer.field('x-a'), '1')
  t.equal(answer.field('x-serin-variant'), BASELINE)
  t.equal(answer.field('x-request-id'), 'mine')
  t.equal(answer.field('content-length'), null)
  t.equal(
    answer.lines.filter((line) => /^(?:connection|upgrade|x-serin-variant):/i.test(line)).length,
    3,
  )
  const peer = await upstream.peer()
  const asked = parseAnswer(peer.text)
  t.match(peer.text, /^GET \/m\/x\?q=1 HTTP\/1\.1\r\n/)
  t.equal(asked.field('connection'), 'upgrade')
  t.equal(asked.field('upgrade'), 'websocket')
  t.equal(asked.field('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==')
  t.equal(asked.field('sec-websocket-version'), '13')
  t.equal(asked.field('sec-websocket-protocol'), 'chat, other')
  t.equal(asked.field('sec-websocket-extensions'), 'permessage-deflate; client_max_window_bits')
  t.equal(asked.field('via'), '1.1 serin-test')
  t.equal(asked.field('x-forwarded-for'), '127.0.0.1')
  t.match(await gateway.recorder.ended(), { variant: BASELINE, outcome: 'ok', status: 101 })
  t.match(gateway.recorder.attempts, [{ result: 'ok' }])
  t.equal(gateway.recorder.heads, 1)
  t.equal(gateway.recorder.sessions, 1, 'in flight')
  t.equal(gateway.exchanges.count, 1)
  t.equal(gateway.accessLog.length, 0)
  const frame = '\x81\x03\x00\xff\r\n\r\n'
  client.send(frame)
  await peer.receive(frame)
  peer.send(`${frame}back`)
  t.ok((await client.receive(`${frame}back`)).endsWith(`\r\n\r\n${frame}back`))
  peer.socket.end()
  await client.closed()
  await gateway.recorder.until(({ sessions }) => sessions === 0)
  t.equal(gateway.exchanges.count, 0)
  t.equal(gateway.recorder.ends.length, 1)
  t.match(gateway.accessLog, [
    {
      method: 'GET',
      path: '/m/x',
      status: 101,
      outcome: 'ok',
      code: null,
      flags: '-',
      requestBytes: frame.length,
      answerBytes: frame.length + 4,
      attempts: 1,
    },
  ])
})

t.test('a session has no prediction, and nobody waits for it', async (t) => {
  const upstream = await startSessionUpstream()
  const observe = {
    requestIdHeader: 'x-request-id',
    prediction: '/y',
    sample: 1,
    numbers: [],
    awaitsEvents: false,
  }
  const gateway = await startGateway([
    serviceWith([variantAt(BASELINE, upstream.origin)], { observe }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake())
  await client.receive('\r\n\r\n')
  t.match(gateway.recorder.predictions, [{ value: null }])
  client.close()
  await gateway.recorder.until(({ sessions }) => sessions === 0)
  t.equal(gateway.recorder.predictions.length, 1)
  t.same(gateway.recorder.notes, [])
})

t.test(
  'what the client sends with its handshake arrives after the 101, never before',
  async (t) => {
    let agree: () => void = () => {}
    const upstream = await startSessionUpstream((peer) => {
      agree = () => peer.send(agreement())
    })
    const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const client = new RawConnection(gateway.port).send(`${handshake()}early`)
    const peer = await upstream.peer()
    client.send(' bytes')
    // A way round through the gateway: whatever is on its way to the peer has left by then.
    await rawExchange(gateway.port, 'GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    t.ok(peer.text.endsWith('\r\n\r\n'))
    t.equal(client.text, '', 'nor does the client get anything')
    agree()
    t.ok((await peer.receive('early bytes')).endsWith('\r\n\r\nearly bytes'))
    t.ok((await client.receive('\r\n\r\n')).startsWith('HTTP/1.1 101 '))
  },
)

t.test('bytes that come together with the 101 are passed on after it', async (t) => {
  const upstream = await startSessionUpstream((peer) => peer.send(`${agreement()}hello`))
  const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake())
  t.ok((await client.receive('hello')).endsWith('\r\n\r\nhello'))
})

t.test('an upstream that says its last with its 101 is heard to the end', async (t) => {
  const upstream = await startSessionUpstream((peer) => peer.socket.end(`${agreement()}bye`))
  const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake())
  t.ok((await client.closed()).endsWith('\r\n\r\nbye'))
  await gateway.recorder.until(({ sessions, ends }) => sessions === 0 && ends.length === 1)
  t.match(gateway.accessLog, [{ code: null }])
})

t.test('no other head comes before the 101', async (t) => {
  const upstream = await startSessionUpstream((peer) =>
    peer.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${agreement()}`),
  )
  const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake('/m/x', ['Expect: 100-continue']))
  t.match(await client.receive('\r\n\r\n'), /^HTTP\/1\.1 101 /)
})

t.test('an upstream that does not agree is heard, and the connection closed', async (t) => {
  for (const [head, body] of [
    ['401 Unauthorized', 'no'],
    ['404 Not Found', ''],
    ['426 Upgrade Required', 'old'],
    ['200 OK', 'x'.repeat(3_000_000)],
  ] as const) {
    const upstream = await startSessionUpstream((peer) =>
      peer.send(
        `HTTP/1.1 ${head}\r\nWWW-Authenticate: X\r\nSec-WebSocket-Version: 13\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
    )
    const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
    const answer = parseAnswer(await rawExchange(gateway.port, `${handshake()}early`))
    t.equal(`${answer.status} ${answer.reason}`, head)
    t.equal(answer.field('connection'), 'close')
    t.equal(answer.field('sec-websocket-version'), '13')
    t.equal(answer.field('x-serin-variant'), BASELINE)
    t.equal(answer.body.length, body.length)
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: answer.status })
    t.notMatch(upstream.peers[0]!.text, 'early', 'bytes of a session that is none go nowhere')
    t.equal(gateway.exchanges.count, 0)
    await Promise.all([gateway.close(), upstream.close()])
  }
})

t.test('an upstream that fails is booked and answered as for any request', async (t) => {
  const silent = await startRawUpstream(() => {})
  const closing = await startRawUpstream((socket) => socket.once('data', () => socket.destroy()))
  const other = await startSessionUpstream((peer) =>
    peer.send('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'),
  )
  const bare = await startSessionUpstream((peer) => peer.send('HTTP/1.1 101 X\r\n\r\n'))
  const coded = await startSessionUpstream((peer) =>
    peer.send(agreement(['Transfer-Encoding: chunked'])),
  )
  const busy = await startUpstream((_req, res) => res.writeHead(503).end())
  t.teardown(() => Promise.all([silent, closing, other, bare, coded, busy].map((u) => u.close())))
  for (const [what, origin, status, code, outcome] of [
    ['refused', await refusedOrigin(), 502, 'SERIN_UPSTREAM_REFUSED', 'failed'],
    ['silent', silent.origin, 504, 'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT', 'no_answer'],
    ['closing', closing.origin, 502, 'SERIN_UPSTREAM_RESET', 'failed'],
    ['to another protocol', other.origin, 502, 'SERIN_UPSTREAM_PROTOCOL', 'failed'],
    ['to none', bare.origin, 502, 'SERIN_UPSTREAM_PROTOCOL', 'failed'],
    ['with a coding', coded.origin, 502, 'SERIN_UPSTREAM_PROTOCOL', 'failed'],
    ['busy', busy.origin, 503, null, 'failed'],
  ] as const) {
    // Only who is silent is to be out of time.
    const timeout = timeouts({ firstByteMs: what === 'silent' ? 30 : 30_000 })
    const gateway = await startGateway([serviceWith([variantAt(BASELINE, origin, { timeout })])])
    const answer = parseAnswer(await rawExchange(gateway.port, handshake()))
    t.equal(answer.status, status, what)
    t.equal(answer.field('x-serin-error'), code, what)
    t.equal(answer.field('connection'), 'close', what)
    t.match(await gateway.recorder.ended(), { outcome, status }, what)
    t.equal(gateway.recorder.sessions, 0)
    t.equal(gateway.exchanges.count, 0)
    await gateway.close()
  }
})

t.test('what may not begin a session is refused before anything is booked', async (t) => {
  const upstream = await startSessionUpstream()
  const gateway = await startGateway([serviceWith([variantAt(BASELINE, upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const get = handshake()
  for (const [what, bytes, status] of [
    ['POST', get.replace('GET', 'POST'), 501],
    ['a length', handshake('/m/x', ['Content-Length: 1']), 501],
    ['a coding', handshake('/m/x', ['Transfer-Encoding: chunked']), 501],
    ['two hosts', handshake('/m/x', ['Host: b']), 400],
    ['a loop', handshake('/m/x', ['Via: 1.1 serin-test']), 508],
    ['no service', handshake('/none'), 404],
    [
      'many lines',
      handshake(
        '/m/x',
        Array.from({ length: 300 }, () => 'a: b'),
      ),
      431,
    ],
  ] as const) {
    const answer = parseAnswer(await rawExchange(gateway.port, `${bytes}x`))
    t.equal(answer.status, status, what)
    t.equal(answer.field('connection'), 'close', what)
  }
  t.equal(parseAnswer(await rawExchange(gateway.port, handshake('/-/ready'))).status, 200)
  t.equal(upstream.peers.length, 0)
  t.equal(gateway.recorder.begun.length, 0)
})

t.test('a session has its variant by the key, and keeps it', async (t) => {
  const upstreams = [await startSessionUpstream(), await startSessionUpstream()] as const
  const service = serviceWith(
    [variantAt(BASELINE, upstreams[0].origin), variantAt(CANARY, upstreams[1].origin)],
    {
      split: {
        key: { from: 'query', name: 'user' },
        rules: [],
        weightsBp: { canary: 5_000 },
        override: null,
      },
    },
  )
  const gateway = await startGateway([service])
  t.teardown(() => Promise.all([gateway.close(), ...upstreams.map((u) => u.close())]))
  const variantOf = async (bytes: string) => {
    const client = new RawConnection(gateway.port).send(bytes)
    const variant = parseAnswer(await client.receive('\r\n\r\n')).field('x-serin-variant')
    client.close()
    return variant
  }
  const found = new Set<string | null>()
  for (let user = 0; user < 12; user++) {
    const variant = await variantOf(handshake(`/m/x?user=${user}`))
    t.equal(await variantOf(handshake(`/m/y?user=${user}`)), variant)
    found.add(variant)
  }
  t.same(found, new Set([BASELINE, CANARY]))
})
