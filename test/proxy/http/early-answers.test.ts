import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { ProxyLimits } from '../../../src/proxy/exchange-context.ts'
import { startStreamingUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection } from '../../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../../support/start-gateway.ts'
import { get, post, startWitness, statusesIn, type Cleanup } from '../../support/witness.ts'

const RULE = 'early answers (RFC 9112 9.6)'
const LENGTH = 300_000

/** An upstream that answers before it has read anything, and counts its requests. */
async function startHasty(t: { teardown: (fn: () => unknown) => void }) {
  const urls: string[] = []
  const upstream = await startStreamingUpstream((req, res) => {
    urls.push(req.url!)
    res.writeHead(413, { 'content-length': '3' }).end('big')
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return { gateway, urls }
}

for (const [how, head, body] of [
  ['with a length', `Content-Length: ${LENGTH}`, 'x'.repeat(LENGTH)],
  [
    'in chunks',
    'Transfer-Encoding: chunked',
    `${LENGTH.toString(16)}\r\n${'x'.repeat(LENGTH)}\r\n0\r\n\r\n`,
  ],
] as const) {
  t.test(`${RULE}: it passes before the end of a body ${how}, and the end closes`, async (t) => {
    const { gateway, urls } = await startHasty(t)
    const client = new RawConnection(gateway.port)
    client.send(`${post([head])}${body.slice(0, 1000)}`)
    const answer = parseAnswer(await client.receive('big'))
    t.equal(answer.status, 413)
    t.equal(answer.field('connection'), 'close')
    // A client that goes on all the same has not lost the answer, and nothing behind it is served.
    client.send(body.slice(1000) + get('/m/smuggled'))
    t.same(statusesIn(await client.closed()), [413])
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 413 })
    t.same(urls, ['/m/x'])
  })
}

t.test(`${RULE}: a client that breaks its body off after the answer has it whole`, async (t) => {
  const { gateway } = await startHasty(t)
  const client = new RawConnection(gateway.port)
  client.send(post(['Transfer-Encoding: chunked'], '1\r\nx\r\n'))
  await client.receive('big')
  t.match(await client.send('zz\r\n').closed(), /\r\n\r\nbig$/)
})

t.test(`${RULE}: serin's own refusals are not lost either`, async (t) => {
  const { port, received } = await startWitness(t)
  const bytes = post([`Content-Length: ${LENGTH}`]).replace('/m/x', '/none')
  const client = new RawConnection(port).send(bytes + 'x'.repeat(1000))
  t.equal(parseAnswer(await client.receive('}')).status, 404)
  client.send('x'.repeat(LENGTH - 1000) + get('/m/smuggled'))
  t.same(statusesIn(await client.closed()), [404])
  t.equal(received(), '')
})

t.test(`${RULE}: a client that sends without end is cut off after half a megabyte`, async (t) => {
  const { port } = await startWitness(t)
  const client = new RawConnection(port)
  client.send(post(['Content-Length: 60000000']).replace('/m/x', '/none'))
  await client.receive('}')
  // Far from all that was announced.
  client.socket.write(Buffer.alloc(5_000_000))
  await client.closed()
  t.same(statusesIn(client.text), [404])
})

t.test(`${RULE}: the health path is no exception`, async (t) => {
  const { port, received } = await startWitness(t)
  const client = new RawConnection(port)
  client.send(`POST /-/ready HTTP/1.1\r\nHost: a\r\nContent-Length: ${get('/m/x').length}\r\n\r\n`)
  t.equal(parseAnswer(await client.receive('\r\n\r\n')).field('connection'), 'close')
  client.send(get('/m/x') + get('/m/smuggled'))
  t.same(statusesIn(await client.closed()), [200])
  t.equal(received(), '')
})

/** An upstream that begins its answer before it has read the request, and ends it with how much that was. */
async function startEager(t: Cleanup, limits: Partial<ProxyLimits> = {}, status = 200) {
  const upstream = await startStreamingUpstream((req, res) => {
    res.writeHead(status).write('so far, so good')
    let bytes = 0
    req.on('data', (chunk: Buffer) => (bytes += chunk.length))
    req.on('end', () => res.end(`all ${bytes}`))
  })
  const timeout = timeouts({ idleMs: 150 })
  const gateway = await startGateway(
    [serviceWith([variantAt('baseline', upstream.origin, { timeout })])],
    { limits },
  )
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return gateway
}

t.test(`${RULE}: the upstream may wait for a body that goes on`, async (t) => {
  const gateway = await startEager(t)
  const client = new RawConnection(gateway.port).send(post([`Content-Length: ${LENGTH}`]))
  for (let n = 0; n < 20; n++) {
    client.send('x'.repeat(LENGTH / 20))
    if (n === 0) await client.receive('good')
    await delay(20)
  }
  t.match(await client.closed(), `all ${LENGTH}`)
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
})

for (const [how, limits] of [
  ['stops', {}],
  ['drips', { bodyIdleMs: 20, bodyBytesPerSecond: 1_000_000 }],
] as const) {
  t.test(`${RULE}: one that ${how} is the client's fault, as before an answer`, async (t) => {
    const gateway = await startEager(t, limits)
    const client = new RawConnection(gateway.port).send(post([`Content-Length: ${LENGTH}`], 'half'))
    const drip = how === 'drips' ? setInterval(() => client.send('.'), 10) : undefined
    t.notMatch(await client.closed(), 'all')
    clearInterval(drip)
    const booked = { outcome: 'client_closed', status: 200, code: 'SERIN_REQUEST_TIMEOUT' }
    t.match(await gateway.recorder.ended(), booked)
  })
}

t.test(`${RULE}: who refuses a body, and pauses within that, waits for nothing`, async (t) => {
  const gateway = await startEager(t, {}, 400)
  const client = new RawConnection(gateway.port).send(post([`Content-Length: ${LENGTH}`], 'half'))
  t.notMatch(await client.closed(), 'all')
  const booked = { outcome: 'no_answer', status: 400, code: 'SERIN_UPSTREAM_IDLE_TIMEOUT' }
  t.match(await gateway.recorder.ended(), booked)
})
