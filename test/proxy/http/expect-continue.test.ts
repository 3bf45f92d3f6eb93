import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, post, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'Expect (RFC 9110 10.1.1)'

const witness = await startWitness(
  t,
  { config: { limits: { bodyBytes: 10, headerBytes: 16_384, inFlight: 10 } } },
  (_req, res, { body }) => res.end(body),
)

t.test(`${RULE}: whoever asks before sending is told to go on, by serin itself`, async (t) => {
  const client = new RawConnection(witness.port)
  client.send(post(['Expect: 100-Continue', 'Content-Length: 4', 'Connection: close']))
  await client.receive('HTTP/1.1 100 Continue\r\n\r\n')
  t.match(await client.send('body').closed(), /\r\n\r\nbody$/)
  t.same(statusesIn(client.text), [100, 200])
  t.notMatch(witness.received(), /expect/i, 'the upstream is not asked')
})

t.test(`${RULE}: a body that was not waited for is taken all the same`, async (t) => {
  const bytes = post(['Expect: 100-continue', 'Content-Length: 4', 'Connection: close'], 'body')
  t.match(await rawExchange(witness.port, bytes), /\r\n\r\nbody$/)
})

t.test(`${RULE}: route and limits come first, and the answer is final`, async (t) => {
  witness.forget()
  const expect = ['Expect: 100-continue', 'Content-Length: 11']
  for (const [bytes, status] of [
    [post(expect), 413],
    [post(['Expect: 100-continue', 'Content-Length: 4']).replace('/m/x', '/none'), 404],
    [post(['Expect: 100-continue', 'Content-Length: 4', 'Host: b']), 400],
  ] as const) {
    const client = new RawConnection(witness.port).send(bytes)
    const text = await client.receive('}')
    client.close()
    t.same(statusesIn(text), [status])
    t.equal(parseAnswer(text).field('connection'), 'close')
  }
  t.equal(witness.received(), '')
})

t.test(`${RULE}: any other expectation is refused, and the connection closes`, async (t) => {
  witness.forget()
  for (const value of [
    'much',
    '100-continue, much',
    'x 100-continue',
    '100-continue\r\nExpect: x',
  ]) {
    const bytes = post([`Expect: ${value}`, 'Content-Length: 0'], get('/m/next'))
    const text = await rawExchange(witness.port, bytes)
    t.same(statusesIn(text), [417], value)
    t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_EXPECTATION_FAILED')
  }
  t.equal(witness.received(), '')
})

t.test(`${RULE}: a list of the one that is met is no other, nor is an empty one`, async (t) => {
  for (const [value, statuses] of [
    ['100-continue, 100-Continue', [100, 200]],
    ['100-continue\r\nExpect: 100-continue', [100, 200]],
    ['', [200]],
  ] as const) {
    const bytes = post([`Expect: ${value}`, 'Content-Length: 4', 'Connection: close'], 'body')
    t.same(statusesIn(await rawExchange(witness.port, bytes)), statuses, value)
  }
})

t.test(`${RULE}: a refusal waits for the answers before it`, async (t) => {
  const before = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'
  const bytes = before + before + post(['Expect: much', 'Content-Length: 0'], get('/m/next'))
  t.same(statusesIn(await rawExchange(witness.port, bytes)), [200, 200, 417])
})

t.test(`${RULE}: in HTTP/1.0 it is ignored`, async (t) => {
  const lines = 'Host: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody'
  const text = await rawExchange(witness.port, `POST /m/x HTTP/1.0\r\n${lines}`)
  t.same(statusesIn(text), [200])
})
