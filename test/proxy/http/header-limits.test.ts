import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'header limits (RFC 6585 5)'

const witness = await startWitness(t)

t.test(`${RULE}: 256 lines pass, every one of them, and one more is refused`, async (t) => {
  const lines = Array.from({ length: 254 }, (_, n) => `x-${n}: ${n}`)
  t.same(statusesIn(await rawExchange(witness.port, get('/m/x', lines))), [200])
  const { headers } = witness.upstream.seen[0]!
  t.ok(
    lines.every((_, n) => headers[`x-${n}`] === String(n)),
    'none was lost',
  )
  witness.forget()
  const answer = parseAnswer(await rawExchange(witness.port, get('/m/x', [...lines, 'x: 1'])))
  t.equal(answer.status, 431)
  t.equal(answer.field('connection'), 'close')
  t.match(JSON.parse(answer.body), { code: 'SERIN_HEADERS_TOO_LARGE' })
  t.equal(witness.received(), '')
})

t.test(`${RULE}: a framing field behind the limit is not lost, but refused with it`, async (t) => {
  witness.forget()
  // Node drops the lines beyond its own limit silently: a Content-Length among them would be unseen.
  const lines = Array.from({ length: 3000 }, () => 'x: 1')
  const smuggled = get('/m/smuggled')
  const bytes = get('/m/x', [...lines, `Content-Length: ${smuggled.length}`]) + smuggled
  t.same(statusesIn(await rawExchange(witness.port, bytes)), [431])
  t.equal(witness.received(), '')
})

t.test(`${RULE}: a section beyond its size is refused, by one line or by many`, async (t) => {
  witness.forget()
  const long = 'x'.repeat(17_000)
  const many = Array.from({ length: 200 }, (_, n) => `x-${n}: ${'x'.repeat(100)}`)
  for (const bytes of [get('/m/x', [`X: ${long}`]), get(`/m/${long}`), get('/m/x', many)]) {
    const text = await rawExchange(witness.port, bytes)
    t.same(statusesIn(text), [431])
    t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_HEADERS_TOO_LARGE')
  }
  t.equal(witness.received(), '')
})

t.test(`${RULE}: the answer is not lost while the client goes on sending`, async (t) => {
  const client = new RawConnection(witness.port)
  client.send(get('/m/x', [`X: ${'x'.repeat(17_000)}`]))
  await client.receive('}')
  client.send(Buffer.alloc(200_000, 'x'))
  t.same(statusesIn(await client.closed()), [431])
})
