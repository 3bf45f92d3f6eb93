import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { Attempt, type AttemptOwner } from '../../src/proxy/attempt.ts'
import { Upstream } from '../../src/proxy/upstream.ts'
import { startRawUpstream } from '../support/fake-upstream.ts'
import { connectionsBy } from '../support/names.ts'
import { variantAt } from '../support/start-gateway.ts'
import { signal } from '../support/witness.ts'

t.test('A rest that nobody waits for is cut when it does not come.', async (t) => {
  const connected = signal<Socket>()
  const server = await startRawUpstream((socket) => {
    connected.fire(socket)
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'))
  })
  const connections = connectionsBy(
    { origin: server.origin, connectMs: 1000, keepAliveMs: null, tls: {} },
    (error) => t.error(error),
  )
  t.teardown(async () => {
    await connections.destroy()
    await server.close()
  })
  const variant = variantAt('baseline', server.origin)
  const upstream = new Upstream(connections, { ...variant, service: 'm', variant: 'baseline' })

  const attempt: Attempt = new Attempt(upstream, { ...DEAF, onHead: () => attempt.detach() }, 20)
  attempt.start({ path: '/', method: 'GET', headers: [], body: null, isHandshake: false })

  const socket = await connected.promise
  await once(socket, 'close')
  t.equal(upstream.inFlight, 0)
})

/** Wants nothing, and hears of nothing after `detach`. */
const DEAF: AttemptOwner = {
  onSending: () => {},
  onBodySent: () => {},
  onRequestSent: () => {},
  onInformation: () => {},
  onHead: () => {},
  onUpgrade: () => {},
  onChunk: () => true,
  onEnd: () => {
    throw new Error('the answer has no end')
  },
  onFailure: (error) => {
    throw error
  },
}
