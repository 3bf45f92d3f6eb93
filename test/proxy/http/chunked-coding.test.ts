import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, post, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'chunked coding (RFC 9112 7.1)'
const SMUGGLED = 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const chunked = (body: string) => post(['Transfer-Encoding: chunked'], body + SMUGGLED)

const refused: readonly (readonly [what: string, body: string, status?: number])[] = [
  ['a size with 0x', '0x1\r\na\r\n0\r\n\r\n'],
  ['a size with a plus', '+1\r\na\r\n0\r\n\r\n'],
  ['a size with a minus', '-1\r\na\r\n0\r\n\r\n'],
  ['a size with an underscore', '1_0\r\na\r\n0\r\n\r\n'],
  ['a size behind a space', ' 1\r\na\r\n0\r\n\r\n'],
  ['a size before a space', '1 \r\na\r\n0\r\n\r\n'],
  ['no size', '\r\n0\r\n\r\n'],
  ['a size beyond 64 bits', '10000000000000001\r\na\r\n0\r\n\r\n'],
  ['a size that ends in LF', '1\na\r\n0\r\n\r\n'],
  ['data that ends in LF', '1\r\na\n0\r\n\r\n'],
  ['data longer than its size', '1\r\nabc\r\n0\r\n\r\n'],
  ['an end in LF', '1\r\na\r\n0\r\n\n'],
  ['an extension that ends in LF', '1;x\na\r\n0\r\n\r\n'],
  ['an extension with CR', '1;x\rx\r\na\r\n0\r\n\r\n'],
  ['extensions without end', `1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`],
  ['a length among the trailers', '1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ['a coding among the trailers', '1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['trailers without end', `1\r\na\r\n0\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
]

const witness = await startWitness(t)

for (const [what, body, status = 400] of refused) {
  t.test(`${RULE}: ${what} ends the request, and the upstream sees no whole one`, async (t) => {
    witness.forget()
    const text = await rawExchange(witness.port, chunked(body))
    t.same(statusesIn(text), [status])
    t.equal(parseAnswer(text).field('connection'), 'close')
    await rawExchange(witness.port, get('/m/after'))
    t.same(
      witness.upstream.seen.map(({ url }) => url),
      ['/m/after'],
    )
    t.notMatch(witness.received(), 'smuggled')
  })
}

t.test(`${RULE}: extensions are read over, and not passed on`, async (t) => {
  witness.forget()
  const body = '1;x=y\r\na\r\n2;z\r\nbc\r\n0;last\r\n\r\n'
  await rawExchange(witness.port, post(['Transfer-Encoding: chunked', 'Connection: close'], body))
  t.equal(witness.upstream.seen[0]!.body.toString(), 'abc')
  t.notMatch(witness.received(), ';x=y')
})

t.test(`${RULE}: its name is taken in any case`, async (t) => {
  witness.forget()
  const lines = ['Transfer-Encoding:\tCHUNKED', 'Connection: close']
  t.same(statusesIn(await rawExchange(witness.port, post(lines, '1\r\na\r\n0\r\n\r\n'))), [200])
  t.equal(witness.upstream.seen[0]!.body.toString(), 'a')
})

t.test(`${RULE}: a broken chunk ends its exchange as the client's`, async (t) => {
  const { gateway, port, upstream } = await startWitness(t)
  const client = new RawConnection(port)
  client.send(post(['Transfer-Encoding: chunked', 'X-Request-Id: mine'], '1\r\nx\r\nzz\r\n'))
  const answer = parseAnswer(await client.closed())
  t.equal(answer.status, 400)
  t.ok(Date.parse(answer.field('date')!) > 0)
  t.equal(answer.field('x-request-id'), 'mine')
  t.equal(answer.field('proxy-status'), 'serin-test; error=http_request_error')
  t.match(JSON.parse(answer.body), { code: 'SERIN_BAD_REQUEST', requestId: 'mine' })
  const code = 'SERIN_BAD_REQUEST'
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 400, code })
  t.match(gateway.accessLog, [
    { level: 'warn', requestId: 'mine', status: 400, outcome: 'client_closed', code, flags: 'DPE' },
  ])
  t.equal(gateway.refused.size, 0, 'it is in the book of its service')
  t.equal(gateway.exchanges.count, 0)
  t.equal(upstream.seen.length, 0)
})

t.test(`${RULE}: trailers without end are booked with what is answered`, async (t) => {
  const { gateway, port } = await startWitness(t)
  const trailers = `1\r\na\r\n0\r\nx: ${'x'.repeat(20_000)}`
  await rawExchange(port, post(['Transfer-Encoding: chunked'], trailers))
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 431 })
})

t.test(
  `${RULE}: a client that ends within a chunk has left, and is answered nothing`,
  async (t) => {
    const { gateway, port, upstream } = await startWitness(t)
    const client = new RawConnection(port)
    client.send(post(['Transfer-Encoding: chunked'], '5\r\nx'))
    while (gateway.recorder.begun.length === 0) await delay(1)
    client.socket.end()
    t.equal(await client.closed(), '')
    t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 })
    t.match(gateway.accessLog, [{ level: 'info', status: 499, code: 'SERIN_CLIENT_CLOSED' }])
    t.equal(upstream.seen.length, 0)
  },
)

t.test(
  `${RULE}: a broken chunk of no variant yet is refused, one on its way to the passthrough is booked there`,
  async (t) => {
    const split = { key: { from: 'body', pointer: '/user' } as const, rules: [], weightsBp: {} }
    const { origin } = witness.upstream
    const services = [
      serviceWith([variantAt('baseline', origin)], { split: { ...split, override: null } }),
    ]
    const gateway = await startGateway(services, { passthrough: origin })
    t.teardown(() => gateway.close())
    for (const path of ['/m/x', '/elsewhere']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n`
      const bytes = `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nabXX\r\n0\r\n\r\n`
      const answer = parseAnswer(await rawExchange(gateway.port, bytes))
      t.equal(answer.status, 400)
      t.ok(Date.parse(answer.field('date')!) > 0)
      t.equal(answer.field('x-request-id'), 'mine')
      t.equal(answer.field('proxy-status'), 'serin-test; error=http_request_error')
    }
    const line = {
      requestId: 'mine',
      status: 400,
      variant: null,
      level: 'warn',
    }
    t.match(gateway.accessLog, [
      { ...line, service: 'model', path: '/m/x', outcome: 'rejected' },
      { ...line, service: null, path: '/elsewhere', outcome: 'client_closed' },
    ])
    t.same([...gateway.refused], [['SERIN_BAD_REQUEST', 1]])
    t.same(gateway.passed, [['client_closed', 400]])
  },
)
