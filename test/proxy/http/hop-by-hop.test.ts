import t from 'tap'
import { startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, startCanned, startWitness } from '../../support/witness.ts'

const FIELDS = 'hop-by-hop fields (RFC 9110 7.6.1)'
const TOKENS = 'Connection tokens (RFC 9110 7.6.1)'

t.test(`${FIELDS}: those of a request stay on the client's connection`, async (t) => {
  const { port, upstream } = await startWitness(t)
  const lines = [
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'Upgrade: h2c',
    'HTTP2-Settings: AAA',
    'TE: trailers',
    'Trailer: X-T',
  ]
  await rawExchange(port, get('/m/x', lines))
  const { headers } = upstream.seen[0]!
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    t.equal(headers[name], undefined, name)
  }
  t.equal(headers.connection, 'keep-alive', "that of the upstream's own connection")
})

t.test(`${FIELDS}: those of an answer stay on the upstream's connection`, async (t) => {
  const gateway = await startCanned(
    t,
    'HTTP/1.1 200 OK\r\nConnection: X-Bar, keep-alive, content-type\r\nX-Bar: 1\r\n' +
      'Connection: x-baz\r\nX-Baz: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n' +
      'Upgrade: h2c\r\nTE: x\r\nProxy-Connection: keep-alive\r\n' +
      'Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n',
  )
  const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
  const gone = ['x-bar', 'x-baz', 'keep-alive', 'upgrade', 'te', 'proxy-connection']
  for (const name of [...gone, 'proxy-authenticate']) t.equal(answer.field(name), null, name)
  t.equal(answer.field('content-type'), 'text/plain', 'a protected one stays')
  t.equal(answer.field('connection'), 'close')
})

t.test(`${FIELDS}: the client's Connection decides over its own connection`, async (t) => {
  // Comes back only because the gateway closes, though the upstream wants to keep its connection.
  const canned = 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n'
  const gateway = await startCanned(t, canned, true)
  t.equal(parseAnswer(await rawExchange(gateway.port, get('/m/x'))).status, 200)
})

t.test(`${TOKENS}: every field that they name is dropped, in any case and line`, async (t) => {
  const { port, upstream } = await startWitness(t)
  const lines = ['connection: X-Foo,, x-bar ', 'x-FOO: 1', 'X-Bar: 1', 'X-Baz: 1']
  await rawExchange(port, get('/m/x', lines))
  const { headers } = upstream.seen[0]!
  t.equal(headers['x-foo'], undefined)
  t.equal(headers['x-bar'], undefined)
  t.equal(headers['x-baz'], '1')
})

t.test(`${TOKENS}: they cannot remove what protects, routes or frames`, async (t) => {
  const { port, upstream } = await startWitness(t)
  const own = 'X-Serin-Variant, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Via'
  const lines = [
    `Connection: ${own}, X-Request-Id, Host, Transfer-Encoding`,
    'Connection: Content-Length, Content-Type, Content-Encoding, Authorization, Cookie, traceparent',
    'X-Request-Id: mine',
    'Content-Type: text/x',
    'Content-Encoding: x',
    'Authorization: Basic x',
    'Cookie: a=1',
    'traceparent: 00-a-b-01',
    'Content-Length: 2',
  ]
  await rawExchange(port, `${get('/m/x', lines)}ab`)
  const { headers, body } = upstream.seen[0]!
  t.match(headers, {
    'content-type': 'text/x',
    'content-encoding': 'x',
    authorization: 'Basic x',
    cookie: 'a=1',
    traceparent: '00-a-b-01',
    via: '1.1 serin-test',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'a',
    'x-forwarded-proto': 'http',
    'x-request-id': 'mine',
    'x-serin-variant': 'baseline',
    'content-length': '2',
  })
  t.equal(body.toString(), 'ab')
})

t.test(`${FIELDS}: they stay behind on the passthrough too`, async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { connection: 'x-bar', 'x-bar': '1', 'proxy-connection': 'x', te: 'x' })
    res.end()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    passthrough: upstream.origin,
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const lines = ['Connection: x-foo', 'X-Foo: 1', 'Keep-Alive: timeout=5', 'TE: trailers']
  const answer = parseAnswer(await rawExchange(gateway.port, get('/other', lines)))
  const { headers } = upstream.seen[0]!
  for (const name of ['x-foo', 'keep-alive', 'te']) t.equal(headers[name], undefined, name)
  for (const name of ['proxy-connection', 'te', 'x-bar']) t.equal(answer.field(name), null, name)
})
