import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { AdminConfig } from '../../src/config/config.ts'
import { RawConnection } from '../support/raw-client.ts'
import { createFakeDeps, fakeDecision, fakeState, fakeStatus, LOOPBACK, NOW } from './fake-deps.ts'

/** Opens the API on a port. */
async function open(t: Test, changes: Partial<AdminDeps> = {}, config: AdminConfig = LOOPBACK) {
  const app = createAdminServer(createFakeDeps(changes), config)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const { port } = app.server.address() as AddressInfo
  const read = (target: string, ...fields: string[]): RawConnection => {
    const connection = new RawConnection(port)
    t.teardown(() => connection.close())
    const lines = [`GET ${target} HTTP/1.1`, 'host: localhost', ...fields, '', '']
    return connection.send(lines.join('\r\n'))
  }
  return { app, read }
}

t.test('Events come as a stream: a snapshot, then what changes, by itself.', async (t) => {
  let weightBp = 2000
  const status = () => fakeStatus(fakeState({ weightBp }))
  const { read } = await open(t, { services: () => [status()], service: () => status() })
  const stream = read('/api/v1/events')
  const head = await stream.receive('event: snapshot\ndata: {"at":"2027-05-01T12:00:00.000Z"')
  t.match(head, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/)
  t.match(head, 'cache-control: no-store')
  weightBp = 5000
  await stream.receive(
    'event: service\ndata: {"at":"2027-05-01T12:00:00.000Z","name":"credit-risk","changes":{"weights":',
  )
})

t.test(
  'Of one service everything is told, and decisions carry the time that a reader comes back with.',
  async (t) => {
    let decided = fakeDecision()
    const status = () => {
      const whole = fakeStatus()
      return { ...whole, rollout: { ...whole.rollout!, lastDecision: decided } }
    }
    const { read } = await open(t, { services: () => [status()], service: () => status() })
    const stream = read('/api/v1/events?service=credit-risk')
    await stream.receive('"missing":["rmse: a rise above 5 %')
    decided = fakeDecision({ id: 18, at: NOW, action: 'promote' })
    await stream.receive(`id: ${NOW}\nevent: decision\ndata: {"id":18,`)
    t.notMatch(stream.text, 'event: decision\ndata: {"id":17')
    const back = read('/api/v1/events', `last-event-id: ${NOW - 60_000}`)
    await back.receive('event: decision\ndata: {"id":17,')
  },
)

t.test(
  'A HEAD is answered with the head of a stream, and nobody is taken for a reader.',
  async (t) => {
    const { app } = await open(t, { gather: async () => void t.fail('nothing is read') })
    const { statusCode, headers } = await app.inject({ method: 'HEAD', url: '/api/v1/events' })
    t.equal(statusCode, 200)
    t.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
  },
)

t.test('What cannot be streamed is refused before a stream begins.', async (t) => {
  const token = {
    name: 'labels',
    token: 'labels-token-0123456',
    scopes: ['feedback'],
    services: null,
    expiresAt: null,
  } as const
  const { app } = await open(t)
  const { app: guarded } = await open(t, {}, { ...LOOPBACK, tokens: [token] })
  const { app: draining } = await open(t, { isDraining: () => true })
  const asked = async (on: typeof app, url: string, headers: Record<string, string> = {}) => {
    const response = await on.inject({ url, headers })
    return [response.statusCode, response.json().code]
  }
  t.same(await asked(app, '/api/v1/events?service=none'), [404, 'SERIN_UNKNOWN_SERVICE'])
  t.same(await asked(app, '/api/v1/events?since=1'), [400, 'SERIN_BAD_REQUEST'])
  t.same(await asked(app, '/api/v1/events', { 'last-event-id': 'x' }), [400, 'SERIN_BAD_REQUEST'])
  t.same(await asked(guarded, '/api/v1/events'), [401, 'SERIN_UNAUTHENTICATED'])
  const authorization = 'Bearer labels-token-0123456'
  t.same(await asked(guarded, '/api/v1/events', { authorization }), [403, 'SERIN_FORBIDDEN'])
  t.same(await asked(draining, '/api/v1/events'), [503, 'SERIN_SHUTTING_DOWN'])
})

t.test('So many streams are open at once, and one that is closed makes room.', async (t) => {
  const { read } = await open(t)
  const streams = Array.from({ length: 100 }, () => read('/api/v1/events'))
  for (const stream of streams) await stream.receive('event: snapshot')
  await read('/api/v1/events').receive('"code":"SERIN_OVERLOADED"')
  streams[0]!.close()
  for (;;) {
    const next = read('/api/v1/events')
    await next.until((bytes) => /SERIN_OVERLOADED|event: snapshot/.test(bytes.toString()))
    if (next.text.includes('event: snapshot')) break
  }
})

t.test('Streams end when the API closes.', async (t) => {
  const { app, read } = await open(t)
  const stream = read('/api/v1/events')
  await stream.receive('event: snapshot')
  const closing = app.close()
  t.match(await stream.closed(), /\r\n0\r\n\r\n$/, 'in good order')
  await closing
})

t.test('A decision that cannot be read when a reader comes back ends its stream.', async (t) => {
  const { read } = await open(t, { decisions: () => Promise.reject(new Error('away')) })
  const text = await read('/api/v1/events', 'last-event-id: 0', 'connection: close').closed()
  t.match(text, 'event: snapshot')
})
