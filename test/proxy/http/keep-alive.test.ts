import t from 'tap'
import type { Socket } from 'node:net'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../../support/start-gateway.ts'
import { get, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'persistent connections (RFC 9112 9.3)'
const STALE = 'stale connections (RFC 9112 9.3.1)'
const one = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'

t.test(`${RULE}: the upstream's outlive those of clients`, async (t) => {
  const { port, connections } = await startWitness(t)
  for (let n = 0; n < 5; n++) t.same(statusesIn(await rawExchange(port, get('/m/x'))), [200])
  t.equal(connections(), 1)
})

t.test(`${RULE}: a client's outlives those of the upstream`, async (t) => {
  const { port, connections } = await startWitness(t, {}, (_req, res) => {
    res.writeHead(200, { connection: 'close' }).end('<>')
  })
  const client = new RawConnection(port)
  for (let n = 1; n <= 3; n++) {
    const before = client.text.length
    client.send(one)
    while (!client.text.slice(before).includes('<>')) {
      await new Promise((resolve) => client.socket.once('data', resolve))
    }
    t.equal(connections(), n)
  }
  t.notOk(client.isClosed)
  client.close()
})

t.test(`${RULE}: an idle client connection is closed after its time`, async (t) => {
  const { port } = await startWitness(t, { limits: { clientIdleMs: 50 } })
  const text = await new RawConnection(port).send(one).closed()
  t.match(parseAnswer(text), { status: 200, body: 'ok' })
})

t.test(`${STALE}: one that the upstream has closed is not used again`, async (t) => {
  const { port, upstream, connections } = await startWitness(t)
  for (let n = 1; n <= 3; n++) {
    const text = await rawExchange(port, 'POST /m/x HTTP/1.0\r\nContent-Length: 2\r\n\r\nab')
    t.same(statusesIn(text), [200])
    t.equal(connections(), n)
    upstream.server.closeAllConnections()
    // The FIN is on its way; a turn of the loop later it has arrived.
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(upstream.seen.length, 3, 'every request was sent once')
})

t.test(`${STALE}: one that the upstream limits to a second or two is not used again`, async (t) => {
  const sockets = new Set<Socket>()
  const upstream = await startRawUpstream((socket) => {
    sockets.add(socket)
    const head = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'
    socket.on('data', () => socket.write(head))
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (let n = 1; n <= 3; n++) {
    t.same(statusesIn(await rawExchange(gateway.port, get('/m/x'))), [200])
    t.equal(sockets.size, n)
  }
})

t.test(
  `${STALE}: one is kept no longer than timeout.keepAlive, whatever the upstream says`,
  async (t) => {
    for (const field of ['', 'Keep-Alive: timeout=60\r\n']) {
      const closed: Promise<unknown>[] = []
      const upstream = await startRawUpstream((socket) => {
        closed.push(new Promise((resolve) => socket.once('close', resolve)))
        const head = `HTTP/1.1 200 OK\r\n${field}Content-Length: 2\r\n\r\nok`
        socket.on('data', () => socket.write(head))
      })
      const timeout = timeouts({ keepAliveMs: 200 })
      const variant = variantAt('baseline', upstream.origin, { timeout })
      const gateway = await startGateway([serviceWith([variant])])
      t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
      const begunAt = performance.now()
      for (let n = 0; n < 3; n++) await rawExchange(gateway.port, get('/m/x'))
      t.equal(closed.length, 1, 'until then it is used again')
      await closed[0]
      const ms = performance.now() - begunAt
      t.ok(ms >= 190 && ms < 3_000, `it is closed after ${ms} ms`)
    }
  },
)

t.test(`${RULE}: one that an exchange was broken off on is not used again`, async (t) => {
  const { gateway, port, connections } = await startWitness(t, {}, (req, res) => {
    if (req.url === '/m/x') res.write('begun')
    else res.end('ok')
  })
  const client = new RawConnection(port).send(one)
  await client.receive('begun')
  client.close()
  await gateway.recorder.ended()
  const after = parseAnswer(await rawExchange(port, get('/m/after')))
  t.equal(after.body, 'ok')
  t.equal(connections(), 2)
})
