import t from 'tap'
import type { ServerResponse } from 'node:http'
import { startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { handshake, startSessionUpstream } from '../../support/session-upstream.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, post, signal, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'upgrades (RFC 9110 7.8)'

t.test(`${RULE}: a WebSocket handshake with a body is refused`, async (t) => {
  const { port, received } = await startWitness(t)
  const client = new RawConnection(port)
  client.send(
    get('/m/x', ['Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 4']) + 'body',
  )
  const answer = parseAnswer(await client.receive('}'))
  client.close()
  t.equal(answer.status, 501)
  t.equal(received(), '')
})

t.test(`${RULE}: a handshake whose body has no length is one`, async (t) => {
  const upstream = await startSessionUpstream()
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(handshake('/m/x', ['Content-Length: 0']))
  t.equal(parseAnswer(await client.receive('\r\n\r\n')).status, 101)
  const peer = await upstream.peer()
  t.notMatch(peer.text, /content-length/i)
  client.send('up')
  await peer.receive('up')
  client.close()
})

t.test(`${RULE}: others are ignored, and the request is served as it is`, async (t) => {
  const { port, upstream, received } = await startWitness(t)
  const lines = ['Connection: upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: A']
  t.same(statusesIn(await rawExchange(port, get('/m/x', lines))), [200])
  t.same(statusesIn(await rawExchange(port, post([...lines, 'Content-Length: 4'], 'body'))), [200])
  t.equal(upstream.seen[1]!.body.toString(), 'body')
  t.notMatch(received(), /upgrade|h2c|settings/i)
})

t.test(`${RULE}: behind a request that is not answered yet they end the connection`, async (t) => {
  const asked = signal<ServerResponse>()
  const upstream = await startUpstream((_req, res) => asked.fire(res))
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const handshake = get('/chat', ['Connection: upgrade', 'Upgrade: websocket'])
  for (const more of [handshake, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    // Refused, with an answer that is on its way when the next request is read.
    const text = await rawExchange(gateway.port, `OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n${more}`)
    t.same(statusesIn(text), [501])
  }
  const client = new RawConnection(gateway.port)
  client.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${handshake}`)
  const res = await asked.promise
  res.end('done')
  t.match(await client.closed(), /^HTTP\/1\.1 200 OK[^]*done/)
  t.equal(upstream.seen.length, 1)
})

t.test(`${RULE}: a client that resets its connection after CONNECT harms nobody`, async (t) => {
  const { port } = await startWitness(t)
  const client = new RawConnection(port).send('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => client.socket.once('data', resolve))
  client.socket.resetAndDestroy()
  t.same(statusesIn(await rawExchange(port, get('/m/x'))), [200])
})
