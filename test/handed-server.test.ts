import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { createDataPort } from '../src/data-port.ts'
import { closeHanded, serveHanded, standBy } from '../src/handed-server.ts'
import { trackSockets } from '../src/proxy/open-sockets.ts'
import { createAuthority, type Pair } from './support/certificates.ts'
import { RawConnection } from './support/raw-client.ts'

/** A server that never listens, and a port whose connections it is given; over TLS where there is a pair. */
async function start(t: Test, pair: Pair | null = null) {
  const app = fastify({
    serverFactory: (handler) =>
      pair === null
        ? createHttpServer({ headersTimeout: 50, connectionsCheckingInterval: 20 }, handler)
        : createHttpsServer(pair, handler),
  })
  let answer: (() => void) | null = null
  app.get('/', () => 'fine')
  app.get('/held', () => new Promise((resolve) => (answer = () => resolve('answered'))))
  const sockets = trackSockets(app.server)
  await standBy(app)
  const door = createServer({ pauseOnConnect: true }, (socket) => serveHanded(app, socket, sockets))
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    sockets.destroyAll()
    door.close()
  })
  const { port } = door.address() as AddressInfo
  return { app, sockets, port, held: () => answer }
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await delay(1)
}

t.test('A head that never ends is cut off, as by a server that listens.', async (t) => {
  const { port } = await start(t)
  const client = new RawConnection(port).send('GET / HTTP/1.1\r\nHost: h\r\n')
  await until(() => client.isClosed)
  t.match(client.text, /^HTTP\/1\.1 408 /)
})

t.test('The end cuts idle connections and waits for the others.', async (t) => {
  const { app, sockets, port, held } = await start(t)
  const idle = new RawConnection(port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => idle.text.includes('fine'))
  const busy = new RawConnection(port).send('GET /held HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => held() !== null)
  let isClosed = false
  const events: string[] = []
  app.server.once('close', () => events.push('close'))
  const closed = closeHanded(app, sockets).then(() => (isClosed = true))
  await until(() => idle.isClosed)
  t.notOk(isClosed)
  held()!()
  await until(() => busy.text.includes('answered'))
  busy.socket.end()
  await closed
  await until(() => events.length > 0)
  t.pass('whoever waits for the server hears of its end')
})

t.test(
  'More connections than it may have are turned away, as by a server that listens.',
  async (t) => {
    const { app, port, sockets } = await start(t)
    app.server.maxConnections = 2
    let dropped = 0
    app.server.on('drop', () => dropped++)
    const kept = [new RawConnection(port), new RawConnection(port)]
    await until(() => sockets.count() === 2)
    const third = new RawConnection(port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await until(() => third.isClosed)
    t.equal(third.text, '')
    t.equal(dropped, 1)
    kept[0]!.socket.end()
    await until(() => sockets.count() === 1)
    const next = new RawConnection(port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await until(() => next.text.includes('fine'))
    t.equal(dropped, 1, 'there is room again')
  },
)

t.test('A client that refuses the certificate leaves nothing open.', async (t) => {
  const authority = createAuthority()
  const { app, sockets, port } = await start(t, authority.issue('localhost'))
  const client = connectTls({ port, ca: authority.cert, servername: 'another' })
  const [refusal] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  t.equal(refusal.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  await closeHanded(app, sockets)
  t.pass('the end waits for nobody')
})

t.test('At localhost a gateway alone listens by IPv4 and IPv6.', async (t) => {
  const app = fastify({ serverFactory: (handler) => createHttpServer(handler) })
  let answer: (() => void) | null = null
  app.get('/held', () => new Promise((resolve) => (answer = () => resolve('answered'))))
  const sockets = trackSockets(app.server)
  const clock = { monotonic: () => performance.now() }
  // The last is no address of this machine (RFC 5737).
  const addressesOf = async () => ['127.0.0.1', '::1', '192.0.2.1']
  const port = createDataPort(app, { sockets, clock, isAlone: true, addressesOf })
  const address = await port.listen({ host: 'LocalHost', port: 0 })
  t.match(address, /^http:\/\/(?:127\.0\.0\.1|\[::1\]):\d+$/)
  const number = Number(address!.slice(address!.lastIndexOf(':') + 1))
  const clients = await Promise.all(
    ['127.0.0.1', '::1'].map(async (host) => {
      const client = new RawConnection(connect(number, host))
      client.send('GET /none HTTP/1.1\r\nHost: h\r\n\r\n')
      await client.receive('404')
      return client
    }),
  )
  clients[1]!.send('GET /held HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => answer !== null)
  const closed = port.close()
  await until(() => clients[0]!.isClosed)
  await t.rejects(once(connect(number, '::1'), 'connect'), { code: 'ECONNREFUSED' })
  answer!()
  t.match(await clients[1]!.closed(), /answered$/)
  await closed
})

t.test('A port of localhost that somebody else has by one of them is told.', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '::1', resolve))
  t.teardown(() => other.close())
  const addressesOf = async () => ['127.0.0.1', '::1']
  const app = fastify({ serverFactory: (handler) => createHttpServer(handler) })
  const sockets = trackSockets(app.server)
  const clock = { monotonic: () => 0 }
  const port = createDataPort(app, { sockets, clock, isAlone: true, addressesOf })
  t.teardown(port.close)
  const taken = (other.address() as AddressInfo).port
  await t.rejects(port.listen({ host: 'localhost', port: taken }), { code: 'EADDRINUSE' })
})
