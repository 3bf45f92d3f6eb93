import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { get, post, startCanned, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'trailers (RFC 9110 6.5.1)'
const CANNED =
  'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n' +
  'X-Sum: 42\r\nx-sum: 43\r\nCache-Control: x\r\nSet-Cookie: a=1\r\nAuthorization: x\r\n' +
  'Host: b\r\nConnection: close\r\nX-Serin-Variant: x\r\n\r\n'

t.test(`${RULE}: those of an answer pass to a client that takes them, in order`, async (t) => {
  const gateway = await startCanned(t, CANNED)
  const text = await rawExchange(gateway.port, get('/m/x', ['TE: trailers', 'Connection: TE']))
  t.match(text, /\r\n0\r\nX-Sum: 42\r\nx-sum: 43\r\n\r\n$/)
  t.match(text, /trailer: X-Sum/i)
})

t.test(`${RULE}: they are dropped for other clients, and for HTTP/1.0`, async (t) => {
  const gateway = await startCanned(t, CANNED)
  const text = await rawExchange(gateway.port, get('/m/x'))
  t.match(text, /\r\n0\r\n\r\n$/)
  t.notMatch(text, /trailer:/i)
  const old = await rawExchange(gateway.port, 'GET /m/x HTTP/1.0\r\nTE: trailers\r\n\r\n')
  t.match(parseAnswer(old), { status: 200, body: 'body' })
})

t.test(`${RULE}: those of a request are read and dropped, and change nothing`, async (t) => {
  const { port, upstream, received } = await startWitness(t)
  const trailers = 'X-Sum: 42\r\nHost: evil\r\nX-Serin-Variant: canary\r\nAuthorization: x'
  const lines = ['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Connection: close']
  const text = await rawExchange(port, post(lines, `4\r\nbody\r\n0\r\n${trailers}\r\n\r\n`))
  t.same(statusesIn(text), [200])
  t.equal(upstream.seen[0]!.body.toString(), 'body')
  t.equal(upstream.seen[0]!.headers['x-serin-variant'], 'baseline')
  t.notMatch(received(), /x-sum|evil|authorization/i)
  t.match(received(), /\r\n0\r\n\r\n$/)
})
