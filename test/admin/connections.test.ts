import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { RawConnection } from '../support/raw-client.ts'
import { createFakeDeps, fakeState, fakeStatus, LOOPBACK } from './fake-deps.ts'

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function open(t: Test, changes: Parameters<typeof createFakeDeps>[0] = {}) {
  const app = createAdminServer(createFakeDeps(changes), LOOPBACK)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const { port } = app.server.address() as AddressInfo
  const connect = () => {
    const connection = new RawConnection(port)
    t.teardown(() => connection.close())
    return connection
  }
  return { server: app.server, connect }
}

t.test(
  'Whoever is slow, or holds many connections, leaves the admin port to others.',
  async (t) => {
    const lines: string[] = []
    const { server, connect } = await open(t, {
      log: pino({}, { write: (line: string) => void lines.push(line) }),
    })
    server.maxConnections = 3
    const kept = connect().send(HEALTH)
    await kept.receive('"ok"')
    const silent = connect()
    const trickling = connect().send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: ')
    t.equal(await connect().send(HEALTH).closed(), '', 'one too many')
    t.match(lines.at(-1), /"most":3,"msg":"connections to the admin port are closed at once/)
    await kept.closed()
    await connect().send(HEALTH).receive('"ok"')
    t.notOk(silent.isClosed || trickling.isClosed)

    // A hundredth of the time that they have.
    t.match(server, { headersTimeout: 10_000, requestTimeout: 30_000, timeout: 300_000 })
    server.headersTimeout = 100
    server.requestTimeout = 300
    t.match(await silent.closed(), /^(?:HTTP\/1\.1 408 |$)/)
    t.match(await trickling.closed(), /^HTTP\/1\.1 408 /)
    const body = connect().send(
      'POST /api/v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    )
    t.match(await body.closed(), /^HTTP\/1\.1 408 /)
  },
)

t.test('A stream of events outlives the time that a request may take.', async (t) => {
  let weightBp = 2000
  const status = () => fakeStatus(fakeState({ weightBp }))
  const { server, connect } = await open(t, { services: () => [status()], service: status })
  server.headersTimeout = 100
  server.requestTimeout = 300
  const stream = connect().send('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await stream.receive('event: snapshot')
  // By then all that takes too long is ended.
  t.match(await connect().send('GET').closed(), /^HTTP\/1\.1 408 /)
  t.match(await connect().send('GET').closed(), /^HTTP\/1\.1 408 /)
  weightBp = 5000
  await stream.receive('event: service')
})
