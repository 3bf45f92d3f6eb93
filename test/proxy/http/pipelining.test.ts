import t from 'tap'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, post, signal, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'pipelining (RFC 9112 9.3.2)'
const CLOSED = 'nothing after close (RFC 9112 9.6)'

const one = (path: string) => `GET /m/${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const bodies = (text: string) => text.match(/<[^>]*>/g)

t.test(`${RULE}: all are answered, in the order of the requests`, async (t) => {
  const waiting = new Map<string, ServerResponse>()
  const both = signal()
  const { port } = await startWitness(t, {}, (req, res) => {
    waiting.set(req.url!, res)
    if (waiting.size === 3) both.fire()
  })
  const text = rawExchange(port, one('1') + post(['Content-Length: 4'], 'body') + get('/m/3'))
  await both.promise
  for (const path of ['/m/3', '/m/x', '/m/1']) waiting.get(path)!.end(`<${path}>`)
  t.same(bodies(await text), ['</m/1>', '</m/x>', '</m/3>'])
})

t.test(`${RULE}: a hundred at once get an answer each, over the limit in flight too`, async (t) => {
  const limits = { bodyBytes: 10, headerBytes: 16_384, inFlight: 10 }
  const { port, upstream } = await startWitness(t, { config: { limits } })
  const text = await rawExchange(port, one('x').repeat(99) + get('/m/x'))
  const statuses = statusesIn(text)
  t.equal(statuses.length, 100)
  t.equal(statuses.filter((status) => status === 200).length, upstream.seen.length)
  t.ok(statuses.includes(503))
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
    const waiting: ServerResponse[] = []
    const both = signal()
    const { gateway, port } = await startWitness(t, {}, (_req, res) => {
      waiting.push(res)
      if (waiting.length === 2) both.fire()
    })
    const text = rawExchange(port, `${one('1')}${one('2')}no request\r\n\r\n`)
    await both.promise
    for (const [n, res] of waiting.entries()) res.end(`<${n}>`)
    t.same(statusesIn(await text), [200, 200, 400])
    t.match(gateway.recorder.ends, [{ outcome: 'ok' }, { outcome: 'ok' }])
  },
)

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

t.test(`${CLOSED}: nothing behind a refused request is served`, async (t) => {
  const { port, received } = await startWitness(t)
  const refused = ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /m/x HTTP/1.1\r\n\r\n']
  for (const bytes of refused) {
    t.equal(statusesIn(await rawExchange(port, bytes + one('a') + one('b'))).length, 1)
  }
  t.equal(received(), '')
})

t.test(`${RULE}: a client that leaves is heard of behind another answer, too`, async (t) => {
  const asked = signal()
  const left: string[] = []
  const { gateway, port } = await startWitness(t, {}, (req, res) => {
    res.once('close', () => left.push(req.url!))
    if (req.url === '/m/16') asked.fire()
    if (req.url === '/m/15') res.writeHead(200, { 'content-type': 'text/event-stream' }).write('x')
  })
  const warned: Error[] = []
  const warn = (warning: Error) => warned.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  const paths = Array.from({ length: 15 }, (_, n) => `/m/${n + 1}`)
  const client = new RawConnection(port).send(paths.map((path) => one(path.slice(3))).join(''))
  client.send('POST /m/16 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
  await asked.promise
  client.close()
  while (left.length < 16) await delay(1)
  t.same(new Set(left), new Set([...paths, '/m/16']))
  t.equal(gateway.exchanges.count, 0)
  t.same(new Set(gateway.recorder.ends.map(({ outcome }) => outcome)), new Set(['client_closed']))
  t.same(warned, [])
})

t.test(`${RULE}: a connection has no listener more for the answers it has given`, async (t) => {
  const { gateway, port } = await startWitness(t)
  const connected = new Promise<Socket>((resolve) =>
    gateway.server.server.once('connection', resolve),
  )
  const client = new RawConnection(port).send(one('x'))
  await client.receive('ok')
  const socket = await connected
  const before = socket.listenerCount('close')
  client.send(one('x').repeat(20))
  while (statusesIn(client.text).length < 21) await delay(1)
  t.equal(socket.listenerCount('close'), before)
  client.close()
})
