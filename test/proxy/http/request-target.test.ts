import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, startWitness, statusesIn } from '../../support/witness.ts'

const FORMS = 'request target forms (RFC 9112 3.2)'
const ABSOLUTE = 'absolute form (RFC 9112 3.2.2)'
const METHODS = 'refused methods (RFC 9110 9.3)'
const VERSION = 'version line (RFC 9112 2.3)'
const HOST = 'Host: a\r\n\r\n'

type Case = readonly [rule: string, what: string, bytes: string, status: number]

const refused: readonly Case[] = [
  [FORMS, '* for a GET', `GET * HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}`, 501],
  [FORMS, 'authority form', `GET a:80 HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'no leading slash', `GET m/x HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'a fragment', `GET /m/x#f HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'a space', `GET /m/ x HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'a tab between its parts', `GET\t/m/x\tHTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'a byte beyond ASCII', `GET /m/\xe9 HTTP/1.1\r\n${HOST}`, 400],
  [FORMS, 'DEL', `GET /m/\x7f HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'another host', `GET http://b/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'another port', `GET http://a:81/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'the port of the other scheme', `GET http://a:443/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'the port of the other scheme', `GET https://a:80/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'a port that only begins so', `GET http://a:8080/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'another scheme', `GET ftp://a/m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'a user', 'GET http://u@a/m/x HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
  [ABSOLUTE, 'a user in HTTP/1.0 without Host', 'GET http://u@a/m/x HTTP/1.0\r\n\r\n', 400],
  [ABSOLUTE, 'no host', `GET http:///m/x HTTP/1.1\r\n${HOST}`, 400],
  [ABSOLUTE, 'a fragment in the host', `GET http://a#/m/x HTTP/1.1\r\n${HOST}`, 400],
  [METHODS, 'TRACE', `TRACE /m/x HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'CONNECT', `CONNECT a:80 HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'an unknown one', `FOO /m/x HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'one that begins as a known one', `GETX /m/x HTTP/1.0\r\n${HOST}`, 501],
  [METHODS, 'one that a known one begins with', `PROP /m/x HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'one in lower case', `get /m/x HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'one of RTSP over HTTP', `DESCRIBE /m/x HTTP/1.1\r\n${HOST}`, 501],
  [METHODS, 'an unknown one of a version that is none', `FOO /m/x HTTP/9.1\r\n${HOST}`, 400],
  [METHODS, 'an unknown one without a target', `FOO HTTP/1.1\r\n${HOST}`, 400],
  [METHODS, 'an unknown one whose line does not end', 'FOO /m/x HTTP/1.1', 400],
  [METHODS, 'an unknown one with a bare LF', 'FOO /m/x HTTP/1.1\nHost: a\r\n\r\n', 400],
  [METHODS, 'a name that is no token', `FO@O /m/x HTTP/1.1\r\n${HOST}`, 400],
  [METHODS, 'two spaces', `FOO  /m/x HTTP/1.1\r\n${HOST}`, 400],
  [METHODS, 'a tab behind it', `FOO\t/m/x HTTP/1.1\r\n${HOST}`, 400],
  [METHODS, 'one of RTSP', `DESCRIBE /m/x RTSP/1.0\r\n${HOST}`, 501],
  [VERSION, 'HTTP/2.0', `GET /m/x HTTP/2.0\r\n${HOST}`, 505],
  [VERSION, 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  [VERSION, 'HTTP/3.0', `GET /m/x HTTP/3.0\r\n${HOST}`, 400],
  [VERSION, 'HTTP/1.2', `GET /m/x HTTP/1.2\r\n${HOST}`, 400],
  [VERSION, 'HTTP/1.10', `GET /m/x HTTP/1.10\r\n${HOST}`, 400],
  [VERSION, 'HTTP/1', `GET /m/x HTTP/1\r\n${HOST}`, 400],
  [VERSION, 'HTTP/0.9', `GET /m/x HTTP/0.9\r\n${HOST}`, 505],
  [VERSION, 'no version (0.9)', 'GET /m/x\r\n\r\n', 505],
  [VERSION, 'lower case', `GET /m/x http/1.1\r\n${HOST}`, 400],
  [VERSION, 'a space behind it', `GET /m/x HTTP/1.1 \r\n${HOST}`, 400],
]

const witness = await startWitness(t)

for (const [rule, what, bytes, status] of refused) {
  t.test(`${rule}: ${what} is refused, and the connection closes`, async (t) => {
    witness.forget()
    const text = await rawExchange(witness.port, bytes)
    t.same(statusesIn(text), [status])
    const answer = parseAnswer(text)
    t.equal(answer.field('connection'), 'close')
    t.match(JSON.parse(answer.body), { status, code: answer.field('x-serin-error')! })
    t.equal(witness.received(), '')
  })
}

t.test(`${ABSOLUTE}: it is taken, and becomes origin form`, async (t) => {
  witness.forget()
  const end = 'Connection: close\r\n\r\n'
  for (const target of ['http://a:80/m/x?q', 'HTTP://A:80/m/x?q', 'https://a:80/m/x?q']) {
    const text = await rawExchange(witness.port, `GET ${target} HTTP/1.1\r\nHost: a:80\r\n${end}`)
    t.same(statusesIn(text), [200], target)
    t.match(witness.received(), /^GET \/m\/x\?q HTTP\/1\.1\r\n/)
    witness.forget()
  }
  const root = await rawExchange(witness.port, `GET http://a HTTP/1.1\r\nHost: a\r\n${end}`)
  t.equal(parseAnswer(root).status, 404)
})

t.test(`${ABSOLUTE}: the port of its scheme may be left out on either side`, async (t) => {
  for (const [target, host] of [
    ['http://a:80', 'a'],
    ['http://a', 'a:80'],
    ['http://a:', 'A'],
    ['HTTPS://a:443', 'a'],
    ['https://a', 'a:443'],
    ['http://[::1]:80', '[::1]'],
  ] as const) {
    const lines = `Host: ${host}\r\nConnection: close\r\n\r\n`
    const text = await rawExchange(witness.port, `GET ${target}/m/x HTTP/1.1\r\n${lines}`)
    t.same(statusesIn(text), [200], `${target} ${host}`)
    t.equal(witness.upstream.seen.at(-1)!.headers['x-forwarded-host'], host, 'as it was sent')
  }
})

t.test(`${ABSOLUTE}: in HTTP/1.0 its host stands for the Host that is missing`, async (t) => {
  witness.forget()
  const service = serviceWith([variantAt('baseline', witness.upstream.origin)], {
    match: { path: '/m/*', methods: null, host: 'models.example' },
  })
  const gateway = await startGateway([service])
  t.teardown(() => gateway.close())
  const text = await rawExchange(gateway.port, 'GET http://models.example:8/m/x HTTP/1.0\r\n\r\n')
  t.same(statusesIn(text), [200])
  t.equal(witness.upstream.seen[0]!.headers['x-forwarded-host'], 'models.example:8')
})

t.test(
  `${VERSION}: an HTTP/1.0 client is answered without chunks, and the end closes`,
  async (t) => {
    const { port, upstream } = await startWitness(t, {}, (_req, res) => {
      res.write('a')
      res.end('b')
    })
    const answer = parseAnswer(await rawExchange(port, 'GET /m/x HTTP/1.0\r\n\r\n'))
    t.equal(answer.field('transfer-encoding'), null)
    t.equal(answer.body, 'ab')
    t.equal(upstream.seen[0]!.headers.via, '1.0 serin-test')
  },
)

t.test(`${METHODS}: an unknown one is answered in its turn, and says what it is`, async (t) => {
  // Its own: lines of refusals are few a second.
  const { port, upstream, gateway } = await startWitness(t)
  const unknown = `SMUGGLE /m/y HTTP/1.1\r\n${HOST}`
  const first = 'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
  const text = await rawExchange(port, `${first}${unknown}${get('/m/z')}`)
  t.same(statusesIn(text), [200, 501], 'nothing behind it is served')
  t.match(text, 'proxy-status: serin-test; error=http_request_denied\r\n')
  t.match(text, 'x-serin-error: SERIN_NOT_IMPLEMENTED\r\n')
  t.equal(upstream.seen.length, 1)
  const line = gateway.accessLog.find(({ status }) => status === 501)
  t.match(line, { flags: 'DPE', method: null })
})

t.test(`${METHODS}: all others pass`, async (t) => {
  witness.forget()
  for (const method of ['PROPFIND', 'QUERY', 'M-SEARCH', 'PATCH']) {
    const bytes = get('/m/x').replace('GET', method)
    t.same(statusesIn(await rawExchange(witness.port, bytes)), [200])
    t.equal(witness.upstream.seen.at(-1)!.method, method)
  }
})

t.test('line ends (RFC 9112 2.2): empty lines before a request are skipped', async (t) => {
  witness.forget()
  t.same(statusesIn(await rawExchange(witness.port, `\r\n\r\n${get('/m/x')}`)), [200])
  t.match(witness.received(), /^GET /)
})
