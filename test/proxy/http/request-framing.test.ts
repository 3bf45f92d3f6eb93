import t from 'tap'
import { startStreamingUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, post, startWitness, statusesIn } from '../../support/witness.ts'

/** What an attacker wants the upstream to take for a request of its own. */
const SMUGGLED = 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const CHUNKED = 'Transfer-Encoding: chunked'
const LAST = '0\r\n\r\n'

type Refused = readonly [what: string, bytes: string, status?: number]

/** Every one is refused, the connection closes, and nothing of it or behind it gets to the upstream. */
const refused: Readonly<Record<string, readonly Refused[]>> = {
  'request framing (RFC 9112 6.3)': [
    ['CL.TE', post([`Content-Length: ${(LAST + SMUGGLED).length}`, CHUNKED], LAST + SMUGGLED)],
    ['TE.CL', post([CHUNKED, 'Content-Length: 4'], `29\r\n${SMUGGLED}\r\n${LAST}`)],
    ['TE.TE, the second one disguised', post([CHUNKED, 'Transfer-Encoding: x'], LAST + SMUGGLED)],
    ['TE.TE, chunked twice', post([CHUNKED, CHUNKED], LAST + SMUGGLED)],
    ['a folded length (0.CL)', post(['Content-Length:', ` ${SMUGGLED.length}`], SMUGGLED)],
    ['a length behind a space (0.CL)', post([' Content-Length: 2'], `ab${SMUGGLED}`)],
    ['two equal lengths', post(['Content-Length: 1', 'Content-Length: 1'], `x${SMUGGLED}`)],
    ['two different lengths', post(['Content-Length: 1', 'Content-Length: 38'], `x${SMUGGLED}`)],
    ['a list of lengths', post(['Content-Length: 1, 1'], `x${SMUGGLED}`)],
    ['a hexadecimal length', post(['Content-Length: 0x1'], `x${SMUGGLED}`)],
    ['a length with a plus', post(['Content-Length: +1'], `x${SMUGGLED}`)],
    ['a negative length', post(['Content-Length: -1'], `x${SMUGGLED}`)],
    ['a length with an exponent', post(['Content-Length: 1e0'], `x${SMUGGLED}`)],
    ['a length in two parts', post(['Content-Length: 1 1'], `x${SMUGGLED}`)],
    ['an empty length', post(['Content-Length:'], SMUGGLED)],
    ['a length beyond 64 bits', post(['Content-Length: 18446744073709551617'], `x${SMUGGLED}`)],
  ],
  'transfer codings (RFC 9112 6.1)': [
    ['gzip below chunked', post(['Transfer-Encoding: gzip, chunked'], LAST + SMUGGLED), 501],
    [
      'identity below chunked',
      post(['Transfer-Encoding: identity, chunked'], LAST + SMUGGLED),
      501,
    ],
    ['two lines', post(['Transfer-Encoding: identity', CHUNKED], LAST + SMUGGLED), 501],
    ['an empty one beside a length', post(['Transfer-Encoding:', 'Content-Length: 1'], 'x'), 501],
    ['an empty list member', post(['Transfer-Encoding: , chunked'], LAST + SMUGGLED), 501],
    ['gzip alone', post(['Transfer-Encoding: gzip'], LAST + SMUGGLED), 501],
    ['identity alone', post(['Transfer-Encoding: identity'], LAST + SMUGGLED), 501],
    ['an unknown one', post(['Transfer-Encoding: xchunked'], LAST + SMUGGLED), 501],
    ['a quoted one', post(['Transfer-Encoding: "chunked"'], LAST + SMUGGLED), 501],
    ['one with a parameter', post(['Transfer-Encoding: chunked;x=1'], LAST + SMUGGLED), 501],
    ['one with a space of latin1', post(['Transfer-Encoding: chunked\xa0'], LAST + SMUGGLED), 501],
    ['one behind a vertical tab', post(['Transfer-Encoding: \x0bchunked'], LAST + SMUGGLED)],
    ['chunked not last', post(['Transfer-Encoding: chunked, identity'], LAST + SMUGGLED)],
    ['a space before its colon', post(['Transfer-Encoding : chunked'], LAST + SMUGGLED)],
    ['in HTTP/1.0', `POST /m/x HTTP/1.0\r\nHost: a\r\n${CHUNKED}\r\n\r\n${LAST}${SMUGGLED}`],
    [
      'in HTTP/1.0, beside a length',
      `POST /m/x HTTP/1.0\r\nHost: a\r\n${CHUNKED}\r\nContent-Length: 5\r\n\r\n${LAST}${SMUGGLED}`,
    ],
  ],
  'line ends (RFC 9112 2.2)': [
    ['bare LF after each line', `GET /m/x HTTP/1.1\nHost: a\n\n${SMUGGLED}`],
    ['bare LF within a field', post(['X: a\nContent-Length: 2'], SMUGGLED)],
    ['bare LF at the end of the head', `GET /m/x HTTP/1.1\r\nHost: a\r\n\n${SMUGGLED}`],
    ['bare CR within a field', post(['X: a\rContent-Length: 2'], SMUGGLED)],
    ['bare CR before CRLF', post(['X: a\r'], SMUGGLED)],
    ['bare CR in the target', `GET /m/\rx HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
    ['NUL in a value', post(['X: a\0b'], SMUGGLED)],
    ['NUL in a name', post(['X\0: b'], SMUGGLED)],
    ['NUL in the target', `GET /m/\0x HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
    ['a control character in a value', post(['X: a\x01b'], SMUGGLED)],
  ],
  'field syntax (RFC 9112 5)': [
    ['a folded line', post(['X: 1', ' 2'], SMUGGLED)],
    ['a space before the colon', `GET /m/x HTTP/1.1\r\nHost : a\r\n\r\n${SMUGGLED}`],
    ['a space within a name', post(['X Y: 1'], SMUGGLED)],
    ['a name that is no token', post(['X(: 1'], SMUGGLED)],
    ['a name beyond ASCII', post(['X\xe9: 1'], SMUGGLED)],
    ['no name', post([': 1'], SMUGGLED)],
    ['no colon', post(['X'], SMUGGLED)],
  ],
}

const witness = await startWitness(t)

for (const [rule, cases] of Object.entries(refused)) {
  for (const [what, bytes, status = 400] of cases) {
    t.test(`${rule}: ${what} is refused, and the connection closes`, async (t) => {
      witness.forget()
      // Comes back only because the gateway closes the connection.
      const text = await rawExchange(witness.port, bytes)
      t.same(statusesIn(text), [status], 'one answer')
      const answer = parseAnswer(text)
      t.equal(answer.field('connection'), 'close')
      t.match(answer.field('x-serin-error'), status === 400 ? 'BAD_REQUEST' : 'NOT_IMPLEMENTED')
      t.match(JSON.parse(answer.body), { status })
      // Another exchange: whatever was on its way to the upstream is there before it.
      await rawExchange(witness.port, get('/m/after'))
      t.same(
        witness.upstream.seen.map(({ url }) => url),
        ['/m/after'],
      )
      t.equal(witness.received().match(/HTTP\/1\.1/g)!.length, 1, 'the upstream saw one request')
    })
  }
}

t.test('request framing (RFC 9112 6.3): the body of CL.0 stays a body', async (t) => {
  for (const method of ['POST', 'GET', 'DELETE']) {
    witness.forget()
    const head = `${method} /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`
    t.same(
      statusesIn(await rawExchange(witness.port, head + SMUGGLED + get('/m/next'))),
      [200, 200],
    )
    const urls = witness.upstream.seen.map(({ url }) => url).sort()
    t.same(urls, ['/m/next', '/m/x'], method)
    const { body } = witness.upstream.seen.find(({ url }) => url === '/m/x')!
    t.equal(body.toString(), SMUGGLED)
  }
})

t.test('request framing (RFC 9112 6.3): a length of zero ends the request (0.CL)', async (t) => {
  witness.forget()
  const text = await rawExchange(witness.port, post(['Content-Length: 0'], get('/m/next')))
  t.same(statusesIn(text), [200, 200])
  t.same(witness.upstream.seen.map(({ url, body }) => `${url} ${body.length}`).sort(), [
    '/m/next 0',
    '/m/x 0',
  ])
})

t.test('field syntax (RFC 9112 5): names that CGI would confuse are dropped', async (t) => {
  witness.forget()
  const lines = ['Content_Length: 5', 'Transfer_Encoding: chunked', 'X_Forwarded_For: 6.6.6.6']
  lines.push('X_Serin_Variant: canary', 'X_Real_IP: 6.6.6.6', 'user_id: kept')
  await rawExchange(witness.port, get('/m/x', lines))
  t.equal(
    witness
      .received()
      .match(/^.*_.*(?=\r)/gm)!
      .join(),
    'user_id: kept',
  )
})

t.test('bodies of any method (RFC 9110 9.3) pass, framed anew', async (t) => {
  witness.forget()
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'PUT', 'QUERY']) {
    const head = `${method} /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`
    await rawExchange(witness.port, `${head}Content-Length: 4\r\n\r\nbody`)
    await rawExchange(witness.port, `${head}${CHUNKED}\r\n\r\n4\r\nbody\r\n${LAST}`)
  }
  t.same(
    witness.upstream.seen.map(({ body }) => body.toString()),
    Array(10).fill('body'),
  )
})

t.test('transfer codings (RFC 9112 6.1): an error within the answer cuts it', async (t) => {
  const upstream = await startStreamingUpstream((_req, res) => res.write('begun'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(post([CHUNKED], '1\r\nx\r\n'))
  await client.receive('begun')
  // Whatever were added now would be taken for a part of the answer.
  client.send('zz\r\n')
  t.same(statusesIn(await client.closed()), [200])
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
})
