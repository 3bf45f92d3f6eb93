import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'one valid Host (RFC 9112 3.2)'

const refused: readonly (readonly [what: string, lines: string])[] = [
  ['two of them', 'Host: a\r\nhost: a\r\n'],
  ['two different ones', 'Host: a\r\nX: 1\r\nHOST: b\r\n'],
  ['none', ''],
  ['an empty one', 'Host:\r\n'],
  ['one with a path', 'Host: a/b\r\n'],
  ['one with a space', 'Host: a b\r\n'],
  ['one with a user', 'Host: u@a\r\n'],
  ['one with a query', 'Host: a?b\r\n'],
  ['one with a fragment', 'Host: a#b\r\n'],
  ['one with a backslash', 'Host: a\\b\r\n'],
  ['one with a bad port', 'Host: a:8x\r\n'],
  ['one with two ports', 'Host: a:1:2\r\n'],
  ['one with a port alone', 'Host: :80\r\n'],
  ['one with a loose bracket', 'Host: [::1\r\n'],
  ['one of brackets alone', 'Host: []\r\n'],
  ['one with more behind its brackets', 'Host: [::1]a\r\n'],
  ['one with a bad port behind its brackets', 'Host: [::1]:8x\r\n'],
  ['one with a byte beyond ASCII', 'Host: \xe9\r\n'],
]

const witness = await startWitness(t)

for (const [what, lines] of refused) {
  t.test(`${RULE}: ${what} is refused, and the connection closes`, async (t) => {
    witness.forget()
    const text = await rawExchange(witness.port, `GET /m/x HTTP/1.1\r\n${lines}\r\n`)
    t.same(statusesIn(text), [400])
    t.equal(parseAnswer(text).field('connection'), 'close')
    t.equal(witness.received(), '')
  })
}

t.test(`${RULE}: names, addresses and ports are taken, and none in HTTP/1.0`, async (t) => {
  const hosts = ['a', 'A_b.c-d~e', '127.0.0.1:80', '[::1]:80', '[2001:db8::1]', 'a%20b', "a!$&'()*"]
  for (const host of hosts) {
    const bytes = `GET /m/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    t.same(statusesIn(await rawExchange(witness.port, bytes)), [200], host)
  }
  t.same(statusesIn(await rawExchange(witness.port, 'GET /m/x HTTP/1.0\r\n\r\n')), [200])
})

t.test(
  "Host upstream (RFC 9110 7.2): the upstream gets its own, and the client's beside it",
  async (t) => {
    witness.forget()
    const bytes = 'GET /m/x HTTP/1.1\r\nHost: models.example:80\r\nConnection: close\r\n\r\n'
    await rawExchange(witness.port, bytes)
    const { rawHeaders, headers } = witness.upstream.seen[0]!
    t.equal(headers.host, witness.upstream.origin.slice('http://'.length))
    t.equal(rawHeaders.filter((name) => name.toLowerCase() === 'host').length, 1)
    t.equal(headers['x-forwarded-host'], 'models.example:80')
  },
)
