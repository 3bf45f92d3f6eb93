import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { RawConnection } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { post, signal, startWitness } from '../../support/witness.ts'

const HALF = 'half-close (RFC 9112 9.6)'
const GONE = 'a client that leaves (RFC 9112 9.5)'
const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'

/** A gateway whose upstream thinks until the client has gone. */
async function startThinking(t: Parameters<typeof startWitness>[0], begin = '') {
  const asked = signal()
  const stopped = signal()
  const witness = await startWitness(t, {}, (_req, res) => {
    res.on('close', () => stopped.fire())
    if (begin !== '') res.write(begin)
    asked.fire()
  })
  return { ...witness, asked: asked.promise, stopped: stopped.promise }
}

t.test(`${HALF}: a client that sends FIN is treated as gone, and gets no answer`, async (t) => {
  const { gateway, port, asked, stopped } = await startThinking(t)
  const client = new RawConnection(port).send(GET)
  await asked
  client.socket.end()
  await stopped
  t.equal(await client.closed(), '')
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 })
})

t.test(`${HALF}: FIN within the answer ends it`, async (t) => {
  const { gateway, port, stopped } = await startThinking(t, 'begun')
  const client = new RawConnection(port).send(GET)
  await client.receive('begun')
  client.socket.end()
  await stopped
  await client.closed()
  t.notMatch(client.text, '\r\n0\r\n\r\n', 'not with an end that looks whole')
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
})

t.test(`${HALF}: FIN within the head or a body reaches no upstream`, async (t) => {
  const { gateway, port, received } = await startWitness(t)
  for (const bytes of ['GET /m/x HTTP/1.1\r\nHost: a\r\n', post(['Content-Length: 9'], 'half')]) {
    const client = new RawConnection(port).send(bytes)
    client.socket.end()
    await client.closed()
  }
  t.equal(received(), '')
  t.equal(gateway.recorder.begun.length, 0)
})

t.test(`${GONE}: it stops the upstream while it thinks`, async (t) => {
  const { gateway, port, asked, stopped } = await startThinking(t)
  const client = new RawConnection(port).send(GET)
  await asked
  client.socket.resetAndDestroy()
  await stopped
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 })
  t.match(gateway.recorder.attempts, [{ result: 'aborted' }])
  t.equal(gateway.exchanges.count, 0)
})

t.test(`${GONE}: it stops the upstream within the answer`, async (t) => {
  const { gateway, port, stopped } = await startThinking(t, 'begun')
  const client = new RawConnection(port).send(GET)
  await client.receive('begun')
  client.close()
  await stopped
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 200 })
})

t.test(`${GONE}: while the connection is made it causes no request`, async (t) => {
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

t.test(`${GONE}: within a short body it was never assigned`, async (t) => {
  const { gateway, port, upstream } = await startWitness(t)
  const client = new RawConnection(port).send(post(['Content-Length: 10'], 'half'))
  const other = new RawConnection(port).send(GET)
  await other.receive('200 OK')
  other.close()
  t.equal(gateway.exchanges.count, 1)
  client.close()
  while (gateway.exchanges.count > 0) await delay(1)
  t.equal(gateway.recorder.begun.length, 1)
  t.equal(upstream.seen.length, 1)
})
