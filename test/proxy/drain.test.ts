import t, { type Test } from 'tap'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { drain, type Delay } from '../../src/proxy/drain.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { signal } from '../support/witness.ts'

const SPANS = { waitMs: 5_000, deadlineMs: 30_000, streamsMs: 300_000 }

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** Steps of a drain in their order; spans pass when the test says so. */
function script(t: { equal: (found: unknown, wanted: unknown) => unknown }) {
  const steps: string[] = []
  const spans: { readonly ms: number; readonly pass: () => void; isCancelled: boolean }[] = []
  let closeNow: () => void = () => {}
  const delay = (ms: number): Delay => {
    let pass: () => void = () => {}
    const done = new Promise<void>((resolve) => (pass = resolve))
    const span = { ms, pass, isCancelled: false }
    spans.push(span)
    return { done, cancel: () => (span.isCancelled = true) }
  }
  const drained = drain({
    spans: SPANS,
    delay,
    startDraining: () => steps.push('draining'),
    closeServer: () => {
      steps.push('close')
      return new Promise<void>((resolve) => (closeNow = resolve))
    },
    closeExchanges: (kind) => steps.push(`cut ${kind}`),
    cutConnections: () => {
      steps.push('cut connections')
      closeNow()
    },
  })
  const pass = async (ms: number) => {
    t.equal(spans.at(-1)!.ms, ms)
    spans.at(-1)!.pass()
    await nextTurn()
  }
  return { steps, spans, drained, pass, close: () => closeNow() }
}

t.test('a drain waits, closes, and cuts what is left at its two deadlines', async (t) => {
  const { steps, drained, pass, spans } = script(t)
  t.same(steps, ['draining'])
  await pass(5_000)
  t.same(steps.splice(0), ['draining', 'close'])
  await pass(30_000)
  t.same(steps.splice(0), ['cut other'])
  await pass(270_000)
  await drained
  t.same(steps, ['cut other', 'cut stream', 'cut connections'])
  t.ok(
    spans.slice(1).every(({ isCancelled }) => isCancelled),
    'no timer outlives the drain',
  )
})

t.test('a drain is over as soon as the last connection has ended', async (t) => {
  const early = script(t)
  await early.pass(5_000)
  early.close()
  await early.drained
  t.same(early.steps, ['draining', 'close'])
  const later = script(t)
  await later.pass(5_000)
  await later.pass(30_000)
  later.close()
  await later.drained
  t.same(later.steps.at(-1), 'cut other')
})

t.test(
  'a server that closes lets running requests end, and their connections with them',
  async (t) => {
    const waiting: ServerResponse[] = []
    let wake: () => void = () => {}
    const upstream = await startUpstream((_req, res) => {
      waiting.push(res)
      wake()
    })
    const answerNext = async () => {
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const cookies = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']
      return waiting.shift()!.writeHead(200, cookies).end('done')
    }
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const idle = new RawConnection(gateway.port)
    await new Promise((resolve) => idle.socket.once('connect', resolve))
    const client = new RawConnection(gateway.port)
    client.send('GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n')
    if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    let isClosed = false
    const closed = gateway.server.close().then(() => (isClosed = true))
    await new Promise((resolve) => setImmediate(resolve))
    t.notOk(isClosed)
    // Behind an answer that ends the connection nothing is served: its client may ask again elsewhere.
    client.send('GET /m/y HTTP/1.1\r\nHost: a\r\n\r\n')
    await answerNext()
    const answer = parseAnswer(await client.closed())
    t.match(answer, { status: 200, body: 'done' })
    t.equal(answer.field('connection'), 'close')
    t.equal(upstream.seen.length, 1)
    t.same(
      answer.lines.filter((line) => /^set-cookie/i.test(line)).map((line) => line.slice(12)),
      ['a=1', 'b=2'],
    )
    idle.close()
    await closed
  },
)

const POST = 'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'

/** A gateway that drains when the test says so; `endWait` lets the time pass in which it still takes requests. */
async function startDrainable(t: Test) {
  const upstream = await startUpstream((req, res) => res.end(`<${req.url}>`))
  const service = serviceWith([variantAt('baseline', upstream.origin)])
  const gateway = await startGateway([service], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  let endWait: () => void = () => {}
  const waited = new Promise<void>((resolve) => (endWait = resolve))
  const never = new Promise<void>(() => {})
  const start = () =>
    drain({
      spans: SPANS,
      delay: (ms) => ({ done: ms === SPANS.waitMs ? waited : never, cancel: () => {} }),
      startDraining: () => Object.assign(gateway.state, { isReady: false, isDraining: true }),
      closeServer: () => gateway.server.close(),
      closeExchanges: () => t.fail('nothing is cut'),
      cutConnections: () => t.fail('nothing is cut'),
    })
  const connect = async () => {
    const client = new RawConnection(gateway.port).send(POST)
    await client.receive('</m/x>')
    t.notMatch(client.text, /connection: close/i)
    return client
  }
  /** What a connection got since its first answer. */
  const rest = async (client: RawConnection) => {
    const text = await client.closed()
    return parseAnswer(text.slice(text.lastIndexOf('HTTP/1.1')))
  }
  return { port: gateway.port, start, endWait, connect, rest, seen: upstream.seen }
}

t.test('from the start of a drain every answer ends its connection', async (t) => {
  const { port, start, endWait, connect, rest } = await startDrainable(t)
  const requests = {
    'of a service': POST,
    'of the passthrough': 'GET /else HTTP/1.1\r\nHost: a\r\n\r\n',
    'of its own': 'GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n',
  }
  const clients = await Promise.all(Object.keys(requests).map(connect))
  const drained = start()
  for (const [n, [name, request]] of Object.entries(requests).entries()) {
    const answer = await rest(clients[n]!.send(request))
    t.equal(answer.status, name === 'of its own' ? 503 : 200, name)
    t.equal(answer.field('connection'), 'close', name)
  }
  const late = await rest(new RawConnection(port).send(POST))
  t.match([late.status, late.field('connection')], [200, 'close'], 'on a new connection')
  endWait()
  await drained
})

t.test('an answer that begins after the start of a drain ends its connection', async (t) => {
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream((_req, res) => void waiting.push(res))
  const service = serviceWith([variantAt('baseline', upstream.origin)])
  const gateway = await startGateway([service], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const asked = ['/m/x', '/else'].map((path) =>
    new RawConnection(gateway.port).send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`),
  )
  while (waiting.length < asked.length) await delay(1)
  gateway.state.isDraining = true
  for (const res of waiting) res.end('done')
  for (const client of asked) {
    t.match(parseAnswer(await client.closed()).field('connection'), 'close')
  }
})

t.test(
  'a request that comes as the wait ends is answered, and an idle connection closed',
  async (t) => {
    const { start, endWait, connect, rest, seen, port } = await startDrainable(t)
    const idle = await connect()
    const last = await connect()
    const drained = start()
    const fresh = new RawConnection(port)
    await nextTurn()
    // Sent, and not read yet.
    last.send(POST)
    fresh.send(POST)
    endWait()
    for (const client of [last, fresh]) {
      const answer = await rest(client)
      t.match([answer.status, answer.field('connection')], [200, 'close'])
    }
    t.equal(seen.length, 4)
    t.match(await idle.closed(), /<\/m\/x>$/)
    await drained
  },
)

t.test('nobody holds up the end who has no request under way', async (t) => {
  const begun = signal<ServerResponse>()
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'content-length': 10 }).write('begun')
    begun.fire(res)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    limits: { headersTimeoutMs: 200, connectionsCheckMs: 20 },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const [silent, half, client] = [1, 2, 3].map(() => new RawConnection(gateway.port))
  half!.send('GET /m/x HTTP/1.1\r\nHo')
  client!.send('GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n')
  const res = await begun.promise
  await client!.receive('begun')
  gateway.state.isDraining = true
  const closed = gateway.server.close()
  // Of the two that have said nothing of use the gateway says so.
  for (const each of [silent, half]) {
    const answer = parseAnswer(await each!.closed())
    t.equal(answer.field('x-serin-error'), 'SERIN_REQUEST_TIMEOUT')
  }
  // Its head has promised to keep the connection.
  res.end('ended')
  t.match(await client!.closed(), /begunended$/)
  await closed
})
