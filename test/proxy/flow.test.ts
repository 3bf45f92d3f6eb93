import t from 'tap'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { signal } from '../support/witness.ts'

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (headers: string) => `POST /m/x HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`

t.test('requests over the limit in flight are told to come back', async (t) => {
  const asked = signal<ServerResponse>()
  const upstream = await startUpstream((_req, res) => asked.fire(res))
  const limits = { bodyBytes: 100, headerBytes: 16_384, inFlight: 1 }
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    config: { limits },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const first = new RawConnection(gateway.port).send(GET)
  const res = await asked.promise
  const second = new RawConnection(gateway.port).send(GET)
  const answer = parseAnswer(await second.receive('}'))
  t.equal(answer.status, 503)
  t.equal(answer.field('retry-after'), '1')
  t.equal(answer.field('x-serin-error'), 'SERIN_OVERLOADED')
  t.equal(gateway.recorder.begun.length, 1)
  res.end('done')
  await first.receive('done')
  first.close()
  second.close()
})

t.test(
  'a reload moves new requests, and lets running ones end on the old connections',
  async (t) => {
    const asked = signal<ServerResponse>()
    const old = await startUpstream((_req, res) => asked.fire(res))
    const next = await startUpstream((_req, res) => res.end('new'))
    const gateway = await startGateway([serviceWith([variantAt('baseline', old.origin)])])
    t.teardown(() => Promise.all([gateway.close(), old.close(), next.close()]))
    const first = new RawConnection(gateway.port).send(GET)
    const res = await asked.promise
    // Half a body: assigned after the reload, and so by the new configuration.
    const between = new RawConnection(gateway.port).send(`${post('Content-Length: 4')}ha`)
    await new Promise((resolve) => between.socket.once('connect', resolve))
    while (gateway.exchanges.count < 2) await delay(1)
    gateway.reload([serviceWith([variantAt('baseline', next.origin)])])
    await between.send('lf').receive('new')
    res.end('old')
    await first.receive('old')
    t.ok(await gateway.onlyUses([next.origin]), 'the old connections are gone')
    t.equal(next.seen[0]!.body.toString(), 'half')
    for (const client of [first, between]) client.close()
  },
)

t.test('a service that a reload removed while a body came is answered with 503', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(`${post('Content-Length: 4')}ha`)
  while (gateway.exchanges.count < 1) await delay(1)
  gateway.reload([])
  const answer = parseAnswer(await client.send('lf').receive('}'))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_CLOSED')
  t.equal(gateway.recorder.begun.length, 0)
  client.close()
})

t.test('so is one whose path cannot be rewritten as the reload wants it', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  t.teardown(upstream.close)
  const before = serviceWith([variantAt('baseline', upstream.origin)])
  const rewritten = [variantAt('baseline', upstream.origin, { path: '/v2/*' })]
  const moved = { path: '/models/m/*', methods: null, host: null }
  for (const [path, after, seen] of [
    ['/m/x', serviceWith(rewritten), '/v2/x'],
    ['/m/a/../x', serviceWith(rewritten), null],
    ['/m/x', serviceWith(rewritten, { match: moved }), null],
    ['/m/x', serviceWith(before.variants, { match: moved }), '/m/x'],
  ] as const) {
    const gateway = await startGateway([before])
    t.teardown(() => gateway.close())
    const request = post('Connection: close\r\nContent-Length: 4').replace('/m/x', path)
    const client = new RawConnection(gateway.port).send(`${request}ha`)
    while (gateway.exchanges.count < 1) await delay(1)
    gateway.reload([after])
    const answer = parseAnswer(await client.send('lf').closed())
    t.equal(answer.field('x-serin-error'), seen === null ? 'SERIN_UPSTREAM_CLOSED' : null)
    t.equal(upstream.seen.shift()?.url ?? null, seen)
  }
})

t.test('of two upstreams taken at random the less loaded one is asked', async (t) => {
  const waiting: ServerResponse[] = []
  const both = signal()
  const hold = (_req: IncomingMessage, res: ServerResponse) => {
    waiting.push(res)
    if (waiting.length === 4) both.fire()
  }
  const one = await startUpstream(hold)
  const two = await startUpstream(hold)
  const variant = variantAt('baseline', one.origin, { upstreams: [one.origin, two.origin] })
  const gateway = await startGateway([serviceWith([variant])], { draw: () => 0 })
  t.teardown(() => Promise.all([gateway.close(), one.close(), two.close()]))
  const clients = [1, 2, 3, 4].map(() => new RawConnection(gateway.port).send(GET))
  await both.promise
  t.equal(one.seen.length, 2)
  t.equal(two.seen.length, 2)
  for (const res of waiting) res.end()
  await gateway.recorder.ended(4)
  for (const client of clients) client.close()
})

t.test('answers end their connections while the gateway drains', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('last'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  gateway.state.isDraining = true
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.field('connection'), 'close')
  const refusal = parseAnswer(await rawExchange(gateway.port, GET.replace('/m/x', '/none')))
  t.equal(refusal.field('connection'), 'close')
})

t.test('what is broken off gets an answer, or is cut, by kind', async (t) => {
  const asked = signal()
  const upstream = await startUpstream((req, res) => {
    if (req.url === '/m/wait') {
      asked.fire()
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('data: 1\n\n')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const stream = new RawConnection(gateway.port).send(GET)
  await stream.receive('data: 1')
  const other = new RawConnection(gateway.port).send(GET.replace('/m/x', '/m/wait'))
  await asked.promise
  gateway.exchanges.closeAll('other')
  const answer = parseAnswer(await other.receive('}'))
  t.equal(answer.field('x-serin-error'), 'SERIN_SHUTTING_DOWN')
  t.match(await gateway.recorder.ended(), { outcome: 'rejected', status: 503 })
  t.equal(gateway.exchanges.count, 1)
  gateway.exchanges.closeAll('stream')
  await stream.closed()
  t.equal(gateway.exchanges.count, 0)
  other.close()
})

t.test('so is what has been booked, and waits for a client that does not read', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end(Buffer.alloc(16_000)))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const { exchanges, recorder } = gateway
  const client = new RawConnection(gateway.port)
  client.socket.pause()
  // More than the kernel takes; each is answered when the answer before it is out.
  client.send(GET.repeat(1_000))
  await recorder.ended()
  const isFlushing = () => exchanges.count === 1 && recorder.ends.length === upstream.seen.length
  let ends = 0
  while (!isFlushing() || ends !== recorder.ends.length) {
    ends = recorder.ends.length
    await delay(50)
  }
  exchanges.closeAll('other')
  t.equal(exchanges.count, 0)
  client.socket.resume()
  await client.closed()
  t.ok(ends < 1_000)
})
