import t from 'tap'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { request } from 'undici'
import { startCannedUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const BINARY = Buffer.from(Array.from({ length: 256 }, (_, n) => n))

t.test('binary bodies pass unchanged in both directions', async (t) => {
  const upstream = await startUpstream((_req, res, { body }) => res.end(body))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = await request(`${gateway.url}/m/x`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=foo' },
    body: BINARY,
  })
  t.equal(answer.statusCode, 200)
  t.same(Buffer.from(await answer.body.arrayBuffer()), BINARY)
  t.same(upstream.seen[0]!.body, BINARY)
  t.equal(answer.headers['x-serin-variant'], 'baseline')
  t.equal(upstream.seen[0]!.headers['x-serin-variant'], 'baseline')
})

t.test('a megabyte passes unchanged, with and without a length', async (t) => {
  const megabyte = randomBytes(1024 * 1024)
  const upstream = await startUpstream((req, res, { body }) => {
    const length = req.headers['content-length']
    if (length !== undefined) res.setHeader('content-length', length)
    res.end(body)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const known = await request(`${gateway.url}/m/x`, { method: 'POST', body: megabyte })
  t.ok(megabyte.equals(Buffer.from(await known.body.arrayBuffer())))
  t.equal(upstream.seen[0]!.headers['content-length'], String(megabyte.length))
  const chunked = await request(`${gateway.url}/m/x`, {
    method: 'POST',
    body: Readable.from([megabyte.subarray(0, 1000), megabyte.subarray(1000)]),
  })
  t.ok(megabyte.equals(Buffer.from(await chunked.body.arrayBuffer())))
  t.equal(upstream.seen[1]!.headers['transfer-encoding'], 'chunked')
})

t.test('HEAD keeps the length, 204 and 304 have no body, and the connection goes on', async (t) => {
  const upstream = await startUpstream((req, res) => {
    if (req.url === '/m/204') res.writeHead(204).end()
    else if (req.url === '/m/304') res.writeHead(304, { etag: '"a"' }).end()
    else res.writeHead(200, { 'content-length': '5' }).end('hello')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  const ask = async (line: string) => {
    const before = client.text.length
    client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
    while (!client.text.slice(before).includes('\r\n\r\n')) {
      await new Promise((resolve) => client.socket.once('data', resolve))
    }
    return parseAnswer(client.text.slice(before))
  }
  const head = await ask('HEAD /m/x')
  t.equal(head.field('content-length'), '5')
  t.equal(head.body, '')
  t.match(await ask('GET /m/204'), { status: 204, body: '' })
  const unchanged = await ask('GET /m/304')
  t.match(unchanged, { status: 304, body: '' })
  t.equal(unchanged.field('etag'), '"a"')
  t.notOk(client.isClosed)
  await gateway.recorder.ended(3)
  t.same(
    gateway.recorder.ends.map(({ outcome }) => outcome),
    ['ok', 'ok', 'ok'],
  )
  client.close()
})

t.test('a 204 that announces a length is an answer like any other', async (t) => {
  const upstream = await startCannedUpstream('HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n', true)
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const text = await rawExchange(
    gateway.port,
    'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  const answer = parseAnswer(text)
  t.equal(answer.status, 204)
  t.equal(answer.field('content-length'), null)
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 204 })
})

t.test('the first server-sent event arrives before the upstream ends', async (t) => {
  let finish: () => void = () => {}
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('data: one\n\n')
    finish = () => res.end('data: two\n\n')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send('GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await client.receive('data: one')
  t.notMatch(client.text, 'data: two')
  finish()
  t.match(await client.closed(), 'data: two')
})

t.test('the head arrives before the body begins', async (t) => {
  let begin: () => void = () => {}
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'content-length': '2' })
    res.flushHeaders()
    begin = () => res.end('ok')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send('GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await client.receive('\r\n\r\n')
  begin()
  t.equal(parseAnswer(await client.closed()).body, 'ok')
})

t.test('the path and query pass byte for byte, and undecodable ones too', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const paths = ['/m/a/./b//c?x=%2F&y', '/m/%ff', '/m/%zz', '/m/meta%2Fllama:predict?', '/m/a;b\\c']
  for (const path of paths) {
    await rawExchange(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  }
  t.same(
    upstream.seen.map(({ url }) => url),
    paths,
  )
})

t.test('a variant with a path of its own gets the matched prefix rewritten', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const rewritten = variantAt('baseline', upstream.origin, { path: '/other/*' })
  const gateway = await startGateway([serviceWith([rewritten])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const get = (path: string) =>
    rawExchange(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  await get('/m/x/y?q=1')
  t.equal(upstream.seen[0]!.url, '/other/x/y?q=1')
  const refused = parseAnswer(await get('/m/%2e%2e/secret'))
  t.equal(refused.status, 400)
  t.equal(upstream.seen.length, 1)
})

t.test('HTTP/1.0 clients get an answer that ends with the connection', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.write('a')
    res.end('b')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, 'GET /m/x HTTP/1.0\r\n\r\n'))
  t.equal(answer.field('transfer-encoding'), null)
  t.equal(answer.body, 'ab')
  t.equal(upstream.seen[0]!.headers.via, '1.0 serin-test')
})
