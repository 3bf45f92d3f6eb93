import t from 'tap'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { Refusals } from '../../src/proxy/refusals.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const END = 'Host: a\r\nConnection: close\r\n\r\n'

/** What is answered by the gateway itself: request, and what its line says. */
const CASES: readonly (readonly [string, ErrorCode, line: object])[] = [
  [
    `GET /nowhere?token=sss HTTP/1.1\r\n${END}`,
    'SERIN_NO_ROUTE',
    { status: 404, service: null, method: 'GET', path: '/nowhere', flags: 'NR' },
  ],
  [
    `POST /m/x HTTP/1.1\r\nContent-Length: 2000\r\n${END}`,
    'SERIN_BODY_TOO_LARGE',
    { status: 413, service: 'model', method: 'POST', path: '/m/x', flags: 'DPE' },
  ],
  [
    `GET /m/x HTTP/1.1\r\nVia: 1.1 serin-test\r\nX-Request-Id: mine\r\n${END}`,
    'SERIN_LOOP_DETECTED',
    { status: 508, service: 'model', requestId: 'mine' },
  ],
  [
    `GET /m/x HTTP/1.1\r\nExpect: the-best\r\n${END}`,
    'SERIN_EXPECTATION_FAILED',
    { status: 417, service: null },
  ],
  [
    `GET http://me:sss@other/m/x HTTP/1.1\r\n${END}`,
    'SERIN_BAD_REQUEST',
    { status: 400, method: 'GET', path: null },
  ],
  [`GET /a#sss HTTP/1.1\r\n${END}`, 'SERIN_BAD_REQUEST', { path: '/a' }],
  [`TRACE /m/x HTTP/1.1\r\n${END}`, 'SERIN_NOT_IMPLEMENTED', { status: 501, flags: 'DPE' }],
  [`GET /m/x HTTP/2.0\r\n${END}`, 'SERIN_VERSION_NOT_SUPPORTED', { status: 505 }],
  [
    `GET /m/x HTTP/1.1\r\nX-Big: ${'x'.repeat(20_000)}\r\n${END}`,
    'SERIN_HEADERS_TOO_LARGE',
    { status: 431, method: null, path: null, service: null, flags: 'DPE' },
  ],
  ['no request at all\r\n\r\n', 'SERIN_BAD_REQUEST', { status: 400, method: null, path: null }],
]

t.test('what the gateway refuses is counted by its code, and has a line of the log', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    config: { accessSample: 0, limits: { bodyBytes: 1000, headerBytes: 16_384, inFlight: 100 } },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const expected = new Map<ErrorCode, number>()
  for (const [bytes, code, line] of CASES) {
    const answer = parseAnswer(await rawExchange(gateway.port, bytes))
    t.equal(answer.field('x-serin-error'), code)
    t.ok(Date.parse(answer.field('date')!) > 0)
    t.match(answer.field('proxy-status'), /^serin-test; error=/)
    t.equal(answer.field('x-request-id'), gateway.accessLog.at(-1)!.requestId)
    expected.set(code, (expected.get(code) ?? 0) + 1)
    t.match(gateway.accessLog.at(-1), {
      ...{ level: 'warn', status: answer.status, outcome: 'rejected', code, variant: null },
      ...{ attempts: 0, upstream: '', ms: null, ...line },
    })
  }
  t.equal(gateway.accessLog.length, CASES.length, 'one each')
  t.same(gateway.refused, expected)
  t.same(gateway.recorder.ends, [], 'none is in a book of the service')
  t.notMatch(JSON.stringify(gateway.accessLog), 'sss')
  await rawExchange(gateway.port, `GET /m/x HTTP/1.1\r\n${END}`)
  await gateway.recorder.ended(1)
  t.same(gateway.refused, expected, 'what is served is not counted')
})

t.test(
  'an overload is seen in the log and in the metrics, and whose requests it hits',
  async (t) => {
    const upstream = await startUpstream((_req, res) => res.end())
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
      config: { limits: { bodyBytes: 1000, headerBytes: 16_384, inFlight: 0 } },
    })
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    for (let n = 0; n < 20; n++) await rawExchange(gateway.port, `GET /m/x HTTP/1.1\r\n${END}`)
    t.same([...gateway.refused], [['SERIN_OVERLOADED', 20]])
    t.equal(gateway.accessLog.length, 20)
    t.match(gateway.accessLog[19], { service: 'model', status: 503, flags: 'OM', level: 'warn' })
  },
)

t.test('a request that fails before its variant is chosen counts as refused', async (t) => {
  const split = {
    key: { from: 'body', pointer: '/user' } as const,
    rules: [],
    weightsBp: {},
    override: null,
  }
  const gateway = await startGateway(
    [serviceWith([variantAt('baseline', 'http://127.0.0.1:1')], { split })],
    { limits: { bodyIdleMs: 50 }, config: { accessSample: 0 } },
  )
  t.teardown(() => gateway.close())
  const bytes = 'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"us'
  t.equal(parseAnswer(await rawExchange(gateway.port, bytes)).status, 408)
  t.match(gateway.accessLog, [
    { service: 'model', variant: null, status: 408, outcome: 'rejected', level: 'warn' },
  ])
  t.same([...gateway.refused], [['SERIN_REQUEST_TIMEOUT', 1]])
})

t.test('what the passthrough cannot reach is in the log, with where it was tried', async (t) => {
  const gateway = await startGateway([], { passthrough: 'http://127.0.0.1:1' })
  t.teardown(() => gateway.close())
  t.equal(parseAnswer(await rawExchange(gateway.port, `GET /x HTTP/1.1\r\n${END}`)).status, 502)
  t.match(gateway.accessLog, [
    { service: null, code: 'SERIN_UPSTREAM_REFUSED', attempts: 1, upstream: 'http://127.0.0.1:1' },
  ])
  t.equal(gateway.refused.size, 0, 'it is in the book of the passthrough')
})

t.test('who sends malformed requests fills no disk: the rest is counted, and named', async (t) => {
  let now = 5_000
  const lines: (readonly [ErrorCode, number])[] = []
  let counted = 0
  const refusals = new Refusals(
    { writeRefused: ({ code }, suppressed) => lines.push([code, suppressed]) },
    () => counted++,
    { monotonic: () => now },
  )
  const note = (code: ErrorCode, service: string | null = null) =>
    refusals.note({ requestId: 'r', code, req: null, service })
  for (let n = 0; n < 100; n++) note('SERIN_BAD_REQUEST')
  t.same(lines.splice(0), Array(5).fill(['SERIN_BAD_REQUEST', 0]))
  note('SERIN_HEADERS_TOO_LARGE')
  t.same(lines.splice(0), [['SERIN_HEADERS_TOO_LARGE', 0]], 'each code has its own')
  for (let n = 0; n < 10; n++) note('SERIN_NO_ROUTE')
  for (let n = 0; n < 10; n++) note('SERIN_BAD_REQUEST', 'model')
  t.equal(lines.splice(0).length, 20, 'sound requests, and those of a service, are all written')
  now += 999
  note('SERIN_BAD_REQUEST')
  t.same(lines, [])
  now += 1
  note('SERIN_BAD_REQUEST')
  note('SERIN_BAD_REQUEST')
  t.same(lines, [
    ['SERIN_BAD_REQUEST', 96],
    ['SERIN_BAD_REQUEST', 0],
  ])
  t.equal(counted, 124)
})
