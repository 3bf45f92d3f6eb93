import t from 'tap'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { startRawUpstream, startStreamingUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import {
  serviceWith,
  startGateway,
  timeouts,
  variantAt,
  type TestGateway,
} from '../../support/start-gateway.ts'
import { post, signal, startWitness, statusesIn } from '../../support/witness.ts'

const SLOW = 'slow clients (RFC 9110 15.5.9)'
const FLOW = 'backpressure (RFC 9293 3.8.6)'
const LIMITS = { bodyBytes: 1_000, headerBytes: 16_384 }

/** Clients' connections that are open now. */
const connectionsOf = ({ server }: TestGateway) =>
  new Promise<number>((resolve) => server.server.getConnections((_error, n) => resolve(n)))

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'

t.test(`${SLOW}: a head that trickles in ends with 408 (slowloris)`, async (t) => {
  const { port, gateway, received } = await startWitness(t, {
    limits: { headersTimeoutMs: 100, connectionsCheckMs: 20 },
  })
  const client = new RawConnection(port).send('GET /m/x HTTP/1.1\r\nHost: a\r\n')
  const trickle = setInterval(() => client.send('x: 1\r\n'), 20)
  const text = await client.closed()
  clearInterval(trickle)
  t.same(statusesIn(text), [408])
  t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_REQUEST_TIMEOUT')
  t.equal(received(), '')
  t.equal(gateway.recorder.begun.length, 0)
})

t.test(`${SLOW}: a second request that trickles in is no exception`, async (t) => {
  const { port } = await startWitness(t, {
    limits: { headersTimeoutMs: 100, connectionsCheckMs: 20 },
  })
  const client = new RawConnection(port).send(GET)
  await client.receive('ok')
  t.same(statusesIn(await client.send('GET /m/x HTTP/1.1\r\n').closed()), [200, 408])
})

t.test(`${SLOW}: a body that stops arriving is a request timeout, short or streamed`, async (t) => {
  const { port, gateway } = await startWitness(t, { limits: { bodyIdleMs: 60 } })
  const short = await rawExchange(port, post(['Content-Length: 10'], 'half'))
  t.same(statusesIn(short), [408])
  t.equal(parseAnswer(short).field('x-serin-variant'), null)
  t.equal(gateway.recorder.begun.length, 0)
  const long = await rawExchange(port, post(['Content-Length: 100000'], 'half'))
  t.same(statusesIn(long), [408])
  t.equal(parseAnswer(long).field('connection'), 'close')
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 408 })
})

t.test(`${SLOW}: a body that drips is a request timeout too, short or streamed`, async (t) => {
  const { port, gateway } = await startWitness(t, {
    limits: { bodyIdleMs: 200, bodyBytesPerSecond: 1_000 },
  })
  for (const length of [1_000, 100_000]) {
    const client = new RawConnection(port).send(post([`Content-Length: ${length}`], 'half'))
    const drip = setInterval(() => client.send('.'), 20)
    t.same(statusesIn(await client.closed()), [408], `${length} bytes`)
    clearInterval(drip)
  }
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 408 })
})

t.test(`${SLOW}: a client that does not read its answer is cut off`, async (t) => {
  const answer = Buffer.alloc(20 * 1024 * 1024)
  const { gateway, port } = await startWitness(t, { limits: { writeStallMs: 80 } }, (_req, res) =>
    res.end(answer),
  )
  const client = new RawConnection(port)
  client.socket.pause()
  client.send(GET)
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
  client.close()
})

t.test(`${SLOW}: a client that leaves the last of an answer unread is cut off, too`, async (t) => {
  const { gateway, port } = await startWitness(
    t,
    { limits: { writeStallMs: 80 }, config: { limits: { ...LIMITS, inFlight: 5_000 } } },
    (_req, res) => res.end(Buffer.alloc(16_000)),
  )
  const client = new RawConnection(port)
  client.socket.pause()
  // More than the kernel takes. Each answer fits, and is over for its upstream before its turn comes.
  client.send(GET.repeat(600))
  await gateway.recorder.ended(1)
  while ((await connectionsOf(gateway)) > 0) await delay(1)
  while (gateway.exchanges.count > 0) await delay(1)
  const { ends } = gateway.recorder
  // It has left those that had no answer yet.
  t.ok(ends.every(({ outcome, status }) => outcome === 'ok' || status === 499))
  client.close()
})

t.test(
  `${SLOW}: one that reads the last of an answer late, but reads, gets all of it`,
  async (t) => {
    const { port } = await startWitness(t, { limits: { writeStallMs: 200 } }, (_req, res) =>
      res.end(Buffer.alloc(8_000)),
    )
    const client = new RawConnection(port)
    client.socket.pause()
    const answers = 250
    client.send(GET.repeat(answers - 1) + GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const reading = setInterval(() => {
      client.socket.resume()
      setImmediate(() => client.socket.pause())
    }, 20)
    const text = await client.closed()
    clearInterval(reading)
    t.equal(statusesIn(text).length, answers)
  },
)

t.test(`${FLOW}: a slow reader holds the upstream back`, async (t) => {
  const total = 50 * 1024 * 1024
  const chunk = Buffer.alloc(64 * 1024)
  let sent = 0
  const held = signal()
  const { gateway, port } = await startWitness(t, {}, (_req, res) => {
    res.writeHead(200, { 'content-length': total })
    const more = () => {
      while (sent < total) {
        sent += chunk.length
        if (res.write(chunk)) continue
        held.fire()
        res.once('drain', more)
        return
      }
      res.end()
    }
    more()
  })
  const client = new RawConnection(port)
  client.socket.pause()
  client.send(GET)
  await held.promise
  await settles(() => sent)
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

t.test(`${FLOW}: a slow upstream holds the client back`, async (t) => {
  let upload: IncomingMessage | null = null
  const asked = signal<ServerResponse>()
  const upstream = await startStreamingUpstream((req, res) => {
    upload = req
    asked.fire(res)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const total = 50 * 1024 * 1024
  const client = new RawConnection(gateway.port).send(post([`Content-Length: ${total}`]))
  client.socket.write(Buffer.alloc(total))
  const res = await asked.promise
  const taken = await settles(() => client.socket.bytesWritten - client.socket.writableLength)
  t.ok(taken < total / 2, `${taken} bytes were taken`)
  upload!.resume().on('end', () => res.end('all'))
  t.match(await client.receive('all'), /^HTTP\/1\.1 200/)
  client.close()
})

t.test(`${FLOW}: an upstream that stops reading a body is to blame for it`, async (t) => {
  const upstream = await startRawUpstream((socket) => socket.pause())
  const slow = variantAt('baseline', upstream.origin, { timeout: timeouts({ firstByteMs: 60 }) })
  const gateway = await startGateway([serviceWith([slow])], { limits: { bodyIdleMs: 60 } })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(post([`Content-Length: ${64 * 1024 * 1024}`]))
  client.socket.write(Buffer.alloc(64 * 1024 * 1024))
  t.match(await gateway.recorder.ended(), { outcome: 'no_answer', status: 504 })
  client.close()
})

/** Waits until a number has not changed for a while: that nothing happens is no event. */
async function settles(read: () => number): Promise<number> {
  let before = -1
  while (before !== read()) {
    before = read()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return before
}
