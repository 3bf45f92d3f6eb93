import t from 'tap'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  startRawUpstream,
  startStreamingUpstream,
  startUpstream,
} from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (headers: string) => `POST /m/x HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`

/** A promise and what fulfils it. */
function signal<T = void>() {
  let fire: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => (fire = resolve))
  return { promise, fire }
}

t.test('a client that leaves stops the upstream while it thinks', async (t) => {
  const asked = signal()
  const stopped = signal()
  const upstream = await startUpstream((_req, res) => {
    res.on('close', () => stopped.fire())
    asked.fire()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(GET)
  await asked.promise
  client.close()
  await stopped.promise
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 })
  t.match(gateway.recorder.attempts, [{ result: 'aborted' }])
  t.equal(gateway.exchanges.count, 0)
})

t.test('a client that leaves within the answer stops the upstream', async (t) => {
  const stopped = signal()
  const upstream = await startUpstream((_req, res) => {
    res.on('close', () => stopped.fire())
    res.write('begun')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(GET)
  await client.receive('begun')
  client.close()
  await stopped.promise
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
})

t.test('a client that leaves while the connection is made causes no request', async (t) => {
  const connected = signal()
  let received = 0
  const upstream = await startRawUpstream((socket) => {
    // The start of a TLS handshake that never goes on: the connection stays in the making.
    socket.on('data', () => {
      received++
      connected.fire()
    })
  })
  const origin = upstream.origin.replace('http:', 'https:')
  const gateway = await startGateway([serviceWith([variantAt('baseline', origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(GET)
  await connected.promise
  client.close()
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 })
  t.equal(received, 1)
})

t.test('a client that leaves within a short body was never assigned', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(`${post('Content-Length: 10')}half`)
  const other = new RawConnection(gateway.port).send(GET)
  await other.receive('200 OK')
  other.close()
  t.equal(gateway.exchanges.count, 1)
  client.close()
  while (gateway.exchanges.count > 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(gateway.recorder.begun.length, 1)
  t.equal(upstream.seen.length, 1)
})

t.test('a slow reader holds the upstream back', async (t) => {
  const total = 50 * 1024 * 1024
  const chunk = Buffer.alloc(64 * 1024)
  let sent = 0
  const held = signal<number>()
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'content-length': total })
    const more = () => {
      while (sent < total) {
        sent += chunk.length
        if (res.write(chunk)) continue
        const here = sent
        // Held when nothing moves for as long as a whole other exchange takes, below.
        setImmediate(() => held.fire(here))
        res.once('drain', more)
        return
      }
      res.end()
    }
    more()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.socket.pause()
  client.send(GET)
  await held.promise
  let before = -1
  while (before !== sent) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // What sockets of loopback take, and no more: far from all of it.
  t.ok(sent < total / 2, `${sent} bytes were taken`)
  let received = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (part: Buffer) => (received += part.length))
  client.socket.resume()
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
  while (received < total) await new Promise((resolve) => client.socket.once('data', resolve))
  client.close()
})

t.test('a client that does not read its answer is cut off', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end(Buffer.alloc(20 * 1024 * 1024)))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    limits: { writeStallMs: 80 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.socket.pause()
  client.send(GET)
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
  client.close()
})

t.test('a slow upstream holds the client back', async (t) => {
  let upload: IncomingMessage | null = null
  const asked = signal<ServerResponse>()
  const upstream = await startStreamingUpstream((req, res) => {
    upload = req
    asked.fire(res)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const total = 50 * 1024 * 1024
  const client = new RawConnection(gateway.port)
  client.send(post(`Content-Length: ${total}`))
  client.socket.write(Buffer.alloc(total))
  const res = await asked.promise
  let before = -1
  while (before !== client.socket.bytesWritten - client.socket.writableLength) {
    before = client.socket.bytesWritten - client.socket.writableLength
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.ok(before < total / 2, `${before} bytes were taken`)
  upload!.resume().on('end', () => res.end('all'))
  t.match(await client.receive('all'), /^HTTP\/1\.1 200/)
  client.close()
})

t.test('a body that stops arriving is a request timeout, short or streamed', async (t) => {
  const upstream = await startStreamingUpstream((req) => req.resume())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    limits: { bodyIdleMs: 60 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const short = parseAnswer(await rawExchange(gateway.port, `${post('Content-Length: 10')}half`))
  t.equal(short.status, 408)
  t.equal(short.field('x-serin-variant'), null)
  t.equal(gateway.recorder.begun.length, 0)
  const long = parseAnswer(await rawExchange(gateway.port, `${post('Content-Length: 100000')}half`))
  t.equal(long.status, 408)
  t.equal(long.field('connection'), 'close')
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 408 })
})

t.test('an upstream that stops reading a body is to blame for it', async (t) => {
  const upstream = await startRawUpstream((socket) => socket.pause())
  const slow = variantAt('baseline', upstream.origin, { timeout: timeouts({ firstByteMs: 60 }) })
  const gateway = await startGateway([serviceWith([slow])], { limits: { bodyIdleMs: 60 } })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(post(`Content-Length: ${64 * 1024 * 1024}`))
  client.socket.write(Buffer.alloc(64 * 1024 * 1024))
  t.match(await gateway.recorder.ended(), { outcome: 'no_answer', status: 504 })
  client.close()
})

t.test('a body over the limit is refused, announced or counted', async (t) => {
  const upstream = await startStreamingUpstream((req) => req.resume())
  const limits = { bodyBytes: 100_000, headerBytes: 16_384, inFlight: 10 }
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    config: { limits },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const announced = new RawConnection(gateway.port).send(post('Content-Length: 100001'))
  t.match(parseAnswer(await announced.receive('}')), { status: 413 })
  t.equal(gateway.recorder.begun.length, 0)
  announced.close()
  const counted = new RawConnection(gateway.port).send(post('Transfer-Encoding: chunked'))
  counted.send(`186a1\r\n${'x'.repeat(100_001)}\r\n0\r\n\r\n`)
  const answer = parseAnswer(await counted.closed())
  t.equal(answer.status, 413)
  t.equal(answer.field('x-serin-error'), 'SERIN_BODY_TOO_LARGE')
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 413 })
})

t.test('who asks before sending is told to go on, unless the body is too large', async (t) => {
  const upstream = await startUpstream((_req, res, { body }) => res.end(body))
  const limits = { bodyBytes: 10, headerBytes: 16_384, inFlight: 10 }
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    config: { limits },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(post('Expect: 100-continue\r\nContent-Length: 4\r\nConnection: close'))
  await client.receive('HTTP/1.1 100 Continue\r\n\r\n')
  t.match(await client.send('body').closed(), /\r\n\r\nbody$/)
  t.equal(upstream.seen[0]!.headers.expect, undefined)
  const large = new RawConnection(gateway.port)
  large.send(post('Expect: 100-continue\r\nContent-Length: 11'))
  const answer = await large.receive('}')
  large.close()
  t.equal(parseAnswer(answer).status, 413)
  t.notMatch(answer, '100 Continue')
  const strange = await rawExchange(gateway.port, post('Expect: much\r\nContent-Length: 0'))
  t.equal(parseAnswer(strange).status, 417)
})

t.test(
  'an answer that comes before the end of the body passes, and the connection closes',
  async (t) => {
    const upstream = await startStreamingUpstream((_req, res) => {
      res.writeHead(413, { 'content-length': '3' }).end('big')
    })
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const client = new RawConnection(gateway.port)
    client.send(`${post('Content-Length: 100000')}some`)
    const answer = parseAnswer(await client.receive('big'))
    t.equal(answer.status, 413)
    t.equal(answer.field('connection'), 'close')
    client.send(Buffer.alloc(100_000))
    await client.closed()
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 413 })
  },
)

t.test('bodies of any method pass', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'PUT']) {
    const head = `${method} /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`
    await rawExchange(gateway.port, `${head}Content-Length: 4\r\n\r\nbody`)
    await rawExchange(
      gateway.port,
      `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    )
  }
  t.same(
    upstream.seen.map(({ body }) => body.toString()),
    Array(8).fill('body'),
  )
})

t.test('pipelined requests are all answered, in order', async (t) => {
  const upstream = await startUpstream((req, res) => res.end(`<${req.url}>`))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const one = (n: number, more = '') => `GET /m/${n} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
  const text = await rawExchange(gateway.port, one(1) + one(2) + one(3, 'Connection: close\r\n'))
  t.same(text.match(/<[^>]*>/g), ['</m/1>', '</m/2>', '</m/3>'])
})

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
    while (gateway.exchanges.count < 2) await new Promise((resolve) => setImmediate(resolve))
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
  while (gateway.exchanges.count < 1) await new Promise((resolve) => setImmediate(resolve))
  gateway.reload([])
  const answer = parseAnswer(await client.send('lf').receive('}'))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_CLOSED')
  t.equal(gateway.recorder.begun.length, 0)
  client.close()
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
