import type { Socket } from 'node:net'
import t from 'tap'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { Budget } from '../../src/proxy/budget.ts'
import { isIdempotent, mayRepeat } from '../../src/proxy/retry.ts'
import { refusedOrigin, startRawUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const POST = 'POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody'

/** Draws that pick the first upstream first. */
const FIRST = () => 0

t.test('what may be sent again depends on how far the request had come', async (t) => {
  const cases: readonly (readonly [ErrorCode, sent: boolean, idempotent: boolean, boolean])[] = [
    ['SERIN_UPSTREAM_REFUSED', false, false, true],
    ['SERIN_UPSTREAM_UNREACHABLE', false, false, true],
    ['SERIN_UPSTREAM_DNS', false, false, true],
    ['SERIN_UPSTREAM_DNS_TIMEOUT', false, false, true],
    ['SERIN_UPSTREAM_CONNECT_TIMEOUT', false, false, true],
    ['SERIN_UPSTREAM_RESET', false, false, true],
    ['SERIN_UPSTREAM_TLS', false, true, false],
    ['SERIN_UPSTREAM_RESET', true, true, true],
    ['SERIN_UPSTREAM_RESET', true, false, false],
    ['SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT', true, true, true],
    ['SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT', true, false, false],
    ['SERIN_UPSTREAM_TOTAL_TIMEOUT', true, true, false],
    ['SERIN_UPSTREAM_PROTOCOL', true, true, false],
    ['SERIN_INTERNAL', false, true, false],
  ]
  for (const [code, sent, idempotent, may] of cases) {
    t.equal(mayRepeat(code, sent, idempotent), may, `${code} ${sent} ${idempotent}`)
  }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    t.ok(isIdempotent(method, { idempotent: false }), method)
  }
  t.notOk(isIdempotent('POST', { idempotent: false }))
  t.ok(isIdempotent('POST', { idempotent: true }))
})

t.test('a fifth of what is in flight may be sent twice, and three always', async (t) => {
  const budget = new Budget()
  t.same(
    [0, 0, 0, 0].map((inFlight) => budget.take(inFlight)),
    [true, true, true, false],
  )
  t.equal(budget.take(15), false)
  t.equal(budget.take(16), true)
  budget.giveBack()
  t.equal(budget.take(16), true)
})

t.test(
  'a refused connection is no answer: another upstream is asked, for a POST too',
  async (t) => {
    const upstream = await startUpstream((_req, res) => res.end('fine'))
    const gone = await refusedOrigin()
    const gateway = await startGateway(
      [serviceWith([variantAt('baseline', gone, { upstreams: [gone, upstream.origin] })])],
      { draw: FIRST },
    )
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const answer = parseAnswer(await rawExchange(gateway.port, POST))
    t.equal(answer.status, 200)
    t.equal(upstream.seen[0]!.body.toString(), 'body')
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
    t.equal(gateway.recorder.begun.length, 1, 'one request')
    t.same(gateway.recorder.attempts, [
      { variant: 'baseline', upstream: gone, result: 'failed' },
      { variant: 'baseline', upstream: upstream.origin, result: 'ok' },
    ])
    t.match(gateway.accessLog, [{ attempts: 2, flags: '-', upstream: upstream.origin }])
  },
)

t.test('a streamed body that nobody has read yet can still go elsewhere', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('fine'))
  const gone = await refusedOrigin()
  const gateway = await startGateway(
    [serviceWith([variantAt('baseline', gone, { upstreams: [gone, upstream.origin] })])],
    { draw: FIRST },
  )
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const body = 'x'.repeat(300_000)
  const head = `POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`
  const answer = parseAnswer(await rawExchange(gateway.port, head + body))
  t.equal(answer.status, 200)
  t.equal(upstream.seen[0]!.body.length, body.length)
})

/** An upstream that closes its first `count` connections when a request has come, then answers. */
async function startClosing(count: number) {
  let seen = 0
  return {
    requests: () => seen,
    ...(await startRawUpstream((socket: Socket) => {
      socket.on('data', () => {
        seen++
        if (seen <= count) socket.destroy()
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })),
  }
}

t.test('a connection that closes without a byte is asked again where that is safe', async (t) => {
  for (const [request, idempotent, status, requests] of [
    [GET, false, 200, 2],
    [POST, true, 200, 2],
    [POST, false, 502, 1],
  ] as const) {
    const upstream = await startClosing(1)
    const gateway = await startGateway([
      serviceWith([variantAt('baseline', upstream.origin)], { idempotent }),
    ])
    const answer = parseAnswer(await rawExchange(gateway.port, request))
    t.equal(answer.status, status)
    t.equal(upstream.requests(), requests)
    t.equal(gateway.recorder.ends.length, 1)
    t.equal(gateway.recorder.attempts.length, requests)
    await Promise.all([gateway.close(), upstream.close()])
  }
})

t.test('a second attempt that finds no upstream gives its place in the budget back', async (t) => {
  const upstream = await startRawUpstream((socket: Socket) => {
    socket.on('data', () => {
      for (const each of gateway.upstreams.upstreams()) each.checked('down', 0)
      socket.destroy()
    })
  })
  const health = { path: '/ready', intervalMs: 60_000, unhealthyAfter: 1, healthyAfter: 1 }
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin, { health })]),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  // Three places are always there: the fourth is one that was given back.
  for (let n = 1; n <= 4; n++) {
    for (const each of gateway.upstreams.upstreams()) each.checked('up', 0)
    const answer = parseAnswer(await rawExchange(gateway.port, GET))
    t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_UNHEALTHY', `request ${n}`)
  }
})

t.test('three attempts are the end of it', async (t) => {
  const upstream = await startClosing(9)
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_RESET')
  t.equal(upstream.requests(), 3)
  t.match(gateway.accessLog, [{ attempts: 3, flags: 'UC,URX' }])
})

t.test('an upstream that does not begin to answer is left for another one', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('fine'))
  const silent = await startRawUpstream(() => {})
  const variant = variantAt('baseline', silent.origin, {
    upstreams: [silent.origin, upstream.origin],
    timeout: timeouts({ firstByteMs: 50 }),
  })
  const gateway = await startGateway([serviceWith([variant])], { draw: FIRST })
  t.teardown(() => Promise.all([gateway.close(), upstream.close(), silent.close()]))
  t.equal(parseAnswer(await rawExchange(gateway.port, GET)).status, 200)
  t.match(gateway.recorder.attempts, [{ result: 'timeout' }, { result: 'ok' }])
  const single = parseAnswer(await rawExchange(gateway.port, POST))
  t.equal(single.status, 504, 'a POST may have had its effect')
})

t.test('an answer is never repeated once its head is there', async (t) => {
  let requests = 0
  const upstream = await startRawUpstream((socket) => {
    socket.on('data', () => {
      requests++
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    })
  })
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin)], { idempotent: true }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  await new RawConnection(gateway.port).send(GET).closed()
  t.match(await gateway.recorder.ended(), { outcome: 'failed' })
  t.equal(requests, 1)
})

t.test('a 5xx of the upstream is its answer and is not repeated', async (t) => {
  const upstream = await startUpstream((_req, res) => res.writeHead(503).end())
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin)], { idempotent: true }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  t.equal(parseAnswer(await rawExchange(gateway.port, GET)).status, 503)
  t.equal(upstream.seen.length, 1)
})
