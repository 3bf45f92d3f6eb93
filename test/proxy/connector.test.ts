import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startRawUpstream } from '../support/fake-upstream.ts'
import { RawConnection } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'
import { get } from '../support/witness.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'

for (const [how, answer, sees, timeout] of [
  ['whose client leaves before its answer', 'HTTP/1.1 102 Processing\r\n\r\n', '102', null],
  ['whose client leaves within its answer', HEAD, '200', null],
  ['whose answer does not begin in time', '', '504', { firstByteMs: 50 }],
  ['whose answer pauses for too long', HEAD, '200', { idleMs: 50 }],
] as const) {
  t.test(`a request ${how} takes its connection along, and asks for no other one`, async (t) => {
    let accepted = 0
    const upstream = await startRawUpstream((socket) => {
      accepted++
      socket.once('data', () => socket.write(answer))
    })
    const variant = variantAt('baseline', upstream.origin, { timeout: timeouts(timeout ?? {}) })
    const gateway = await startGateway([serviceWith([variant])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const client = new RawConnection(gateway.port).send(get('/m/x'))
    await client.receive(sees)
    if (timeout === null) client.close()
    await gateway.recorder.ended()
    // Its connections have done with the request, whichever they are by then.
    const { pool } = gateway.upstreams.connections()[0]!
    while (pool.stats.size > 0) await delay(1)
    t.equal(pool.stats.connected, 0)
    t.equal(accepted, 1)
  })
}
