import t from 'tap'
import { startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, post, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'body limits (RFC 9110 15.5.14)'
const LIMIT = 100_000

const witness = await startWitness(t, {
  config: { limits: { bodyBytes: LIMIT, headerBytes: 16_384, inFlight: 10 } },
})

t.test(`${RULE}: an announced length is refused at once, before anything is booked`, async (t) => {
  for (const length of [LIMIT + 1, '9007199254740993', '9'.repeat(19)]) {
    const client = new RawConnection(witness.port).send(post([`Content-Length: ${length}`]))
    const answer = parseAnswer(await client.receive('}'))
    client.close()
    t.equal(answer.status, 413, String(length))
    t.equal(answer.field('x-serin-error'), 'SERIN_BODY_TOO_LARGE')
    t.equal(answer.field('connection'), 'close')
  }
  t.equal(witness.received(), '')
  t.equal(witness.gateway.recorder.begun.length, 0)
})

t.test(`${RULE}: a body without a length is counted, and stopped at the limit`, async (t) => {
  const body = `${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n0\r\n\r\n`
  const text = await rawExchange(witness.port, post(['Transfer-Encoding: chunked'], body))
  t.same(statusesIn(text), [413])
  t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_BODY_TOO_LARGE')
  t.match(await witness.gateway.recorder.ended(), { outcome: 'client_closed', status: 413 })
  t.equal(witness.upstream.seen.length, 0, 'the upstream sees no whole request')
})

t.test(`${RULE}: what lies behind a body that was refused is not served`, async (t) => {
  witness.forget()
  const bytes = post([`Content-Length: ${LIMIT + 1}`], 'x'.repeat(LIMIT + 1)) + get('/m/next')
  t.same(statusesIn(await rawExchange(witness.port, bytes)), [413])
  await rawExchange(witness.port, get('/m/after'))
  t.same(
    witness.upstream.seen.map(({ url }) => url),
    ['/m/after'],
  )
})

t.test(`${RULE}: a body of just the limit passes, with and without a length`, async (t) => {
  witness.forget()
  const body = 'x'.repeat(LIMIT)
  const close = 'Connection: close'
  const known = post([`Content-Length: ${LIMIT}`, close], body)
  const chunked = `${LIMIT.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  t.same(statusesIn(await rawExchange(witness.port, known)), [200])
  const counted = post(['Transfer-Encoding: chunked', close], chunked)
  t.same(statusesIn(await rawExchange(witness.port, counted)), [200])
  t.same(
    witness.upstream.seen.map((seen) => seen.body.length),
    [LIMIT, LIMIT],
  )
})

t.test(`${RULE}: a body without a length that is read for a key is counted, too`, async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('ok'))
  const key = { from: 'body', pointer: '/user' } as const
  const service = serviceWith([variantAt('baseline', upstream.origin)], {
    split: { key, rules: [], weightsBp: {}, override: null },
  })
  // Less than is read of a body for its key.
  const limits = { bodyBytes: 100, headerBytes: 16_384, inFlight: 10 }
  const gateway = await startGateway([service], { config: { limits } })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  for (const [length, status] of [
    [100, 200],
    [101, 413],
  ] as const) {
    const body = `${chunk(JSON.stringify({ user: 'x'.repeat(length - 11) }))}0\r\n\r\n`
    const lines = ['Transfer-Encoding: chunked', 'Connection: close']
    t.same(statusesIn(await rawExchange(gateway.port, post(lines, body))), [status], `${length}`)
  }
  t.match(gateway.recorder.ends, [{ outcome: 'ok' }])
  t.same([...gateway.refused], [['SERIN_BODY_TOO_LARGE', 1]])
})
