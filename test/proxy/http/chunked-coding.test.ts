import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
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
  client.send(post(['Transfer-Encoding: chunked'], '1\r\nx\r\nzz\r\n'))
  t.equal(parseAnswer(await client.closed()).status, 400)
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed' })
  t.equal(upstream.seen.length, 0)
})
