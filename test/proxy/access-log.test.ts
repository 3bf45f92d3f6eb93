import t from 'tap'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { terminationFlag } from '../../src/proxy/termination-flag.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

t.test('a line has the times of its phases, and the bytes of its bodies', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('12345'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const post = (length: number) =>
    `POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
  await rawExchange(gateway.port, post(7))
  await gateway.recorder.ended(1)
  await rawExchange(gateway.port, post(200_000))
  await gateway.recorder.ended(2)
  const [short, long] = gateway.accessLog
  t.match(short, {
    requestId: 'id-1',
    service: 'model',
    variant: 'baseline',
    reason: 'random',
    fallback: false,
    method: 'POST',
    path: '/m/x',
    status: 200,
    outcome: 'ok',
    code: null,
    flags: '-',
    attempts: 1,
    upstream: upstream.origin,
    requestBytes: 7,
    answerBytes: 5,
  })
  t.equal(long!.requestBytes, 200_000)
  const { ms, readMs, queueMs, connectMs, firstByteMs, bodyMs } = short!
  const parts = [readMs, queueMs, connectMs, firstByteMs, bodyMs]
  t.ok(parts.every((part) => part !== null && part >= 0))
  const sum = parts.reduce<number>((all, part) => all + part!, 0)
  t.ok(Math.abs(sum - ms!) < 0.05, `the phases make up the whole: ${sum} of ${ms}`)
})

t.test('a request that failed is a warning', async (t) => {
  const upstream = await startUpstream((req, res) => {
    res.writeHead(Number(req.url!.slice('/m/'.length))).end()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const statuses = [200, 404, 500, 503]
  for (const [index, status] of statuses.entries()) {
    await rawExchange(
      gateway.port,
      `GET /m/${status} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    )
    await gateway.recorder.ended(index + 1)
  }
  t.same(
    gateway.accessLog.map(({ status, outcome, level }) => [status, outcome, level]),
    [
      [200, 'ok', 'info'],
      [404, 'ok', 'info'],
      [500, 'failed', 'warn'],
      [503, 'failed', 'warn'],
    ],
  )
})

t.test('nothing that could be a secret is written', async (t) => {
  const upstream = await startUpstream((_req, res) => res.setHeader('set-cookie', 'sss').end())
  const override = { header: 'x-serin-variant', secret: 'sss-override-secret' }
  const split = { key: null, rules: [], weightsBp: {}, override }
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin)], { split }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const fields = ['Authorization: Bearer sss', 'Cookie: session=sss', 'X-Serin-Secret: sss']
  await rawExchange(
    gateway.port,
    `GET /m/x?token=sss HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields.join('\r\n')}\r\n\r\n`,
  )
  await gateway.recorder.ended()
  t.equal(gateway.accessLog.length, 1)
  t.notMatch(JSON.stringify(gateway.accessLog), 'sss')
})

t.test("an exchange that ended badly has Envoy's flag for it", async (t) => {
  const cases: readonly (readonly [ErrorCode | null, attempts: number, string])[] = [
    [null, 1, '-'],
    ['SERIN_UPSTREAM_REFUSED', 1, 'UF'],
    ['SERIN_UPSTREAM_REFUSED', 2, 'UF,URX'],
    ['SERIN_UPSTREAM_UNHEALTHY', 0, 'UH'],
    ['SERIN_QUEUE_FULL', 0, 'UO'],
    ['SERIN_CLIENT_CLOSED', 2, 'DC'],
    ['SERIN_SHUTTING_DOWN', 1, '-'],
  ]
  for (const [code, attempts, flag] of cases) t.equal(terminationFlag(code, attempts), flag)
})
