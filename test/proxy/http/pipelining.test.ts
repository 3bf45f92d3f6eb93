import t from 'tap'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, post, signal, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'pipelining (RFC 9112 9.3.2)'
const CLOSED = 'nothing after close (RFC 9112 9.6)'

const one = (path: string) => `GET /m/${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const bodies = (text: string) => text.match(/<[^>]*>/g)

t.test(`${RULE}: each is served when the answer before it is out`, async (t) => {
  const asked: ServerResponse[] = []
  let next = signal()
  const { port, upstream } = await startWitness(t, {}, (_req, res) => {
    asked.push(res)
    next.fire()
  })
  const text = rawExchange(port, one('1') + post(['Content-Length: 4'], 'body') + get('/m/3'))
  const paths = ['/m/1', '/m/x', '/m/3']
  for (const [n, path] of paths.entries()) {
    await next.promise
    next = signal()
    t.same(
      upstream.seen.map(({ url }) => url),
      paths.slice(0, n + 1),
      'nothing behind it has begun',
    )
    asked[n]!.end(`<${path}>`)
  }
  t.same(bodies(await text), ['</m/1>', '</m/x>', '</m/3>'])
})

t.test(`${RULE}: of a hundred at once each is answered, and one is in flight`, async (t) => {
  const limits = { bodyBytes: 10, headerBytes: 16_384, inFlight: 1 }
  const { port } = await startWitness(t, { config: { limits } }, (req, res) =>
    res.end(`<${req.url}>`),
  )
  const paths = Array.from({ length: 100 }, (_, n) => `n${n}`)
  const text = await rawExchange(port, paths.map(one).join('') + get('/m/last'))
  t.same(
    bodies(text),
    [...paths, 'last'].map((path) => `</m/${path}>`),
  )
})

t.test(`${RULE}: no more of them are read than may wait`, async (t) => {
  const asked = signal<ServerResponse>()
  const { gateway, port } = await startWitness(t, {}, (req, res) => {
    if (req.url === '/m/first') asked.fire(res)
    else res.end()
  })
  const sockets: Socket[] = []
  gateway.server.server.on('connection', (socket: Socket) => sockets.push(socket))
  const client = new RawConnection(port).send(one('first'))
  const res = await asked.promise
  const flood = one('x')
    .replace('\r\n\r\n', `\r\nX-Long: ${'x'.repeat(700)}\r\n\r\n`)
    .repeat(300)
  client.send(flood)
  while (!sockets[0]!.isPaused()) await new Promise((resolve) => setImmediate(resolve))
  const read = sockets[0]!.bytesRead
  t.ok(read < flood.length / 2, `${read} bytes of ${flood.length}`)
  res.end('<first>')
  t.match(await client.send(get('/m/last')).closed(), /<first>/)
  t.equal(statusesIn(client.text).length, 302, 'they are read when there is room')
})

for (const junk of ['\0\0\0', 'GET /m/y HTTP/1.1\r\nHost : a\r\n\r\n', '\x16\x03\x01']) {
  const what = JSON.stringify(junk)
  t.test(`${RULE}: a request keeps its answer when what follows is ${what}`, async (t) => {
    const asked = signal<ServerResponse>()
    const { gateway, port, upstream } = await startWitness(t, {}, (_req, res) => asked.fire(res))
    const client = new RawConnection(port).send(one('x') + junk)
    const res = await asked.promise
    client.send(one('smuggled'))
    res.end('done')
    t.match(await client.closed(), /^HTTP\/1\.1 200 OK[^]*\r\n\r\ndoneHTTP\/1\.1 400 /)
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
    t.equal(upstream.seen.length, 1)
  })
}

t.test(
  `${RULE}: whole requests before a broken one are answered first, and then it is`,
  async (t) => {
    const { gateway, port } = await startWitness(t)
    const text = await rawExchange(port, `${one('1')}${one('2')}no request\r\n\r\n`)
    t.same(statusesIn(text), [200, 200, 400])
    t.match(gateway.recorder.ends, [{ outcome: 'ok' }, { outcome: 'ok' }])
  },
)

t.test(`${RULE}: what waits when its client leaves is not served`, async (t) => {
  const asked = signal()
  const { gateway, port, upstream } = await startWitness(t, {}, () => asked.fire())
  const client = new RawConnection(port).send(one('1') + one('2'))
  await asked.promise
  client.close()
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed' })
  t.equal(gateway.exchanges.count, 0)
  t.equal(upstream.seen.length, 1)
})

t.test(
  `${CLOSED}: while the gateway drains, one request of a connection is the last`,
  async (t) => {
    const { gateway, port, upstream } = await startWitness(t)
    gateway.state.isDraining = true
    const text = await rawExchange(port, one('1') + one('2'))
    t.same(statusesIn(text), [200])
    t.same(
      upstream.seen.map(({ url }) => url),
      ['/m/1'],
    )
  },
)

t.test(`${CLOSED}: what a client sends behind its last request is not looked at`, async (t) => {
  const { port, upstream } = await startWitness(t, {}, (req, res) => res.end(`<${req.url}>`))
  for (const last of [get('/m/last'), 'GET /m/last HTTP/1.0\r\n\r\n']) {
    for (const more of ['\r\n', one('next'), '\0\0', 'x'.repeat(100_000)]) {
      const text = await rawExchange(port, last + more)
      t.same(statusesIn(text), [200])
      t.same(bodies(text), ['</m/last>'])
    }
  }
  t.ok(upstream.seen.every(({ url }) => url === '/m/last'))
})

for (const [version, connection] of [
  ['1.1', 'close\t'],
  ['1.0', 'close, keep-alive'],
  ['1.0', 'keep-alive\r\nConnection: Close'],
]) {
  const what = JSON.stringify(connection)
  t.test(`${CLOSED}: nor is it behind ${what} in HTTP/${version}`, async (t) => {
    const { port, upstream } = await startWitness(t)
    const last = `GET /m/last HTTP/${version}\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`
    const answer = parseAnswer(await rawExchange(port, last + one('next')))
    t.equal(answer.field('connection'), 'close')
    t.equal(upstream.seen.length, 1)
  })
}

t.test(`${CLOSED}: nothing behind a refused request is served`, async (t) => {
  const { port, received } = await startWitness(t)
  const refused = ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /m/x HTTP/1.1\r\n\r\n']
  for (const bytes of refused) {
    t.equal(statusesIn(await rawExchange(port, bytes + one('a') + one('b'))).length, 1)
  }
  t.equal(received(), '')
})
