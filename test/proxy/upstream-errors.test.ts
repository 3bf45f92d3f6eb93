import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Outcome } from '../../src/domain/outcome.ts'
import {
  refusedOrigin,
  startCannedUpstream,
  startRawUpstream,
  startUpstream,
} from '../support/fake-upstream.ts'
import { namesBy } from '../support/names.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'
import { resultsOf, TO_SHADOW, untilBook } from './mirror-gateway.ts'

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

type Case = {
  readonly what: string
  readonly answers: string | null
  readonly status: number
  readonly code: string
  readonly proxyStatus: string
  readonly outcome: Outcome
}

const cases: readonly Case[] = [
  {
    what: 'closes without an answer',
    answers: '',
    status: 502,
    code: 'SERIN_UPSTREAM_RESET',
    proxyStatus: 'connection_terminated',
    outcome: 'failed',
  },
  {
    what: 'refuses connections',
    answers: null,
    status: 502,
    code: 'SERIN_UPSTREAM_REFUSED',
    proxyStatus: 'connection_refused',
    outcome: 'failed',
  },
]

for (const { what, answers, status, code, proxyStatus, outcome } of cases) {
  t.test(`an upstream that ${what} is answered with ${code}`, async (t) => {
    const upstream =
      answers === null
        ? { origin: await refusedOrigin(), close: async () => {} }
        : await startCannedUpstream(answers)
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const text = await rawExchange(gateway.port, GET)
    const answer = parseAnswer(text)
    t.equal(answer.status, status)
    t.equal(answer.field('x-serin-error'), code)
    t.equal(answer.field('proxy-status'), `serin-test; error=${proxyStatus}`)
    t.equal(answer.field('x-serin-variant'), 'baseline')
    t.equal(answer.field('x-request-id'), 'id-1')
    t.equal(answer.field('content-type'), 'application/problem+json')
    t.match(JSON.parse(answer.body), { status, code, requestId: 'id-1', type: 'about:blank' })
    t.notMatch(text.slice(text.indexOf('\r\n\r\n')), '127.0.0.1')
    const end = await gateway.recorder.ended()
    t.match(end, { variant: 'baseline', outcome, status, code })
    t.type(end.upstreamMs, 'number')
    t.match(gateway.recorder.attempts, [
      { variant: 'baseline', upstream: upstream.origin, result: 'failed' },
    ])
    t.match(gateway.accessLog, [{ code, outcome, path: '/m/x', variant: 'baseline' }])
  })
}

t.test('an unknown host name is a DNS error', async (t) => {
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', 'http://upstream.invalid:80')]),
  ])
  t.teardown(() => gateway.close())
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.match(answer.field('x-serin-error'), /^SERIN_UPSTREAM_DNS/)
  t.match(await gateway.recorder.ended(), { outcome: 'failed' })
})

t.test("a local port that the gateway lacks is no variant's failure, nor a mirror's", async (t) => {
  const lacking = Object.assign(new Error('connect EADDRNOTAVAIL'), { code: 'EADDRNOTAVAIL' })
  const names = namesBy(() => Promise.reject(lacking))
  const variants = ['baseline', 'shadow'].map((name) => variantAt(name, 'http://model:80'))
  const gateway = await startGateway(
    [serviceWith(variants, { idempotent: true, mirrors: [TO_SHADOW] })],
    { names },
  )
  t.teardown(() => gateway.close())
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 503)
  t.equal(answer.field('x-serin-error'), 'SERIN_OVERLOADED')
  t.equal(answer.field('proxy-status'), 'serin-test; error=connection_limit_reached')
  t.equal(answer.field('retry-after'), '1')
  t.match(answer.body, 'local ports')
  t.match(await gateway.recorder.ended(), { outcome: 'rejected', code: 'SERIN_OVERLOADED' })
  const book = gateway.mirrors.get('shadow')!
  await untilBook(book, () => book.inFlight === 0)
  t.same(resultsOf(book), { dropped_busy: 1 })
})

t.test('a 5xx of the model itself passes as it is and is booked as failed', async (t) => {
  const upstream = await startUpstream((_req, res) => res.writeHead(503).end('busy'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 503)
  t.equal(answer.field('x-serin-error'), null)
  t.match(answer.body, 'busy')
  t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 503, code: null })
  t.equal(upstream.seen.length, 1)
})

t.test('an upstream that does not begin to answer runs into the first byte timeout', async (t) => {
  const upstream = await startRawUpstream(() => {})
  const slow = variantAt('baseline', upstream.origin, { timeout: timeouts({ firstByteMs: 60 }) })
  const gateway = await startGateway([serviceWith([slow])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 504)
  t.equal(answer.field('proxy-status'), 'serin-test; error=http_response_timeout')
  const end = await gateway.recorder.ended()
  t.match(end, { outcome: 'no_answer', status: 504 })
  t.ok(end.upstreamMs! >= 59 && end.upstreamMs! < 900, `after ${end.upstreamMs} ms`)
  t.match(gateway.recorder.attempts, [{ result: 'timeout' }])
})

t.test('an upstream that pauses within its answer runs into the idle timeout', async (t) => {
  const upstream = await startCannedUpstream(
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    true,
  )
  const slow = variantAt('baseline', upstream.origin, { timeout: timeouts({ idleMs: 60 }) })
  const gateway = await startGateway([serviceWith([slow])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  t.match(await rawExchange(gateway.port, GET), /half$/)
  t.match(await gateway.recorder.ended(), { outcome: 'no_answer', status: 200 })
  t.match(gateway.accessLog, [{ code: 'SERIN_UPSTREAM_IDLE_TIMEOUT' }])
})

t.test('the total timeout ends an answer that keeps trickling', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    const timer = setInterval(() => res.write('x'), 10)
    res.on('close', () => clearInterval(timer))
  })
  const slow = variantAt('baseline', upstream.origin, { timeout: timeouts({ totalMs: 80 }) })
  const gateway = await startGateway([serviceWith([slow])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  await rawExchange(gateway.port, GET)
  t.match(await gateway.recorder.ended(), { outcome: 'no_answer' })
  t.match(gateway.accessLog, [{ code: 'SERIN_UPSTREAM_TOTAL_TIMEOUT' }])
})

t.test('a connection that is not accepted runs into the connect timeout', async (t) => {
  // An address that swallows connection attempts is not to be had on loopback; a TLS server that never
  // says hello keeps the connection in the making just as well.
  const upstream = await startRawUpstream((socket) => socket.resume())
  const origin = upstream.origin.replace('http:', 'https:')
  const slow = variantAt('baseline', origin, { timeout: timeouts({ connectMs: 60 }) })
  const gateway = await startGateway([serviceWith([slow])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 504)
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_CONNECT_TIMEOUT')
  t.match(await gateway.recorder.ended(), { outcome: 'no_answer', status: 504 })
  const givenUpAt = performance.now()
  while (upstream.connections() > 0) await delay(10)
  // Else each request to a server that is gone would leave a connection for long.
  t.ok(performance.now() - givenUpAt < 6_000, 'what is in the making ends soon after')
})

t.test('an https upstream that does not speak TLS is a TLS error', async (t) => {
  const upstream = await startCannedUpstream('HTTP/1.1 400 Bad\r\n\r\n')
  const origin = upstream.origin.replace('http:', 'https:')
  const gateway = await startGateway([serviceWith([variantAt('baseline', origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_TLS_PROTOCOL')
  t.equal(answer.field('proxy-status'), 'serin-test; error=tls_protocol_error')
})

t.test('a reason that Node does not write gives way to the usual one', async (t) => {
  for (const reason of ['O\0K', 'O\x01K', 'O\xffK']) {
    const upstream = await startCannedUpstream(
      `HTTP/1.1 200 ${reason}\r\nContent-Length: 0\r\n\r\n`,
    )
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const answer = parseAnswer(await rawExchange(gateway.port, GET))
    t.match(answer, { status: 200, reason: 'OK' }, JSON.stringify(reason))
  }
})
