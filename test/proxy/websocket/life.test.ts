import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { RawConnection } from '../../support/raw-client.ts'
import { handshake, startSessionUpstream } from '../../support/session-upstream.ts'
import {
  serviceWith,
  startGateway,
  timeouts,
  variantAt,
  type TestGateway,
  type TestGatewayOptions,
} from '../../support/start-gateway.ts'
import type { Variant } from '../../../src/domain/variant.ts'

const HALF_CLOSE = 'half-close (RFC 9112 9.6)'

async function start(t: Test, variant: Partial<Variant> = {}, options: TestGatewayOptions = {}) {
  const upstream = await startSessionUpstream()
  const service = serviceWith([variantAt('baseline', upstream.origin, variant)])
  const gateway = await startGateway([service], options)
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  let sessions = 0
  const open = async () => {
    const client = new RawConnection(gateway.port).send(handshake())
    await client.receive('\r\n\r\n')
    return { client, peer: await upstream.peer(++sessions) }
  }
  return { upstream, gateway, open }
}

/** Connections of the gateway's clients. */
function connections({ server }: TestGateway): Promise<number> {
  return new Promise((resolve, reject) => {
    server.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(1)
}

const isOver = ({ sessions }: { readonly sessions: number }) => sessions === 0

t.test("a client's end is passed on, and the other direction stays open", async (t) => {
  const { gateway, open } = await start(t)
  const { client, peer } = await open()
  peer.socket.allowHalfOpen = true
  const ended = new Promise((resolve) => peer.socket.once('end', resolve))
  client.socket.end('last')
  await ended
  t.ok(peer.text.endsWith('last'))
  t.equal(gateway.recorder.sessions, 1)
  peer.send('still ')
  await client.receive('still ')
  peer.socket.end('here')
  t.ok((await client.closed()).endsWith('still here'))
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog, [{ code: null, requestBytes: 4, answerBytes: 10 }])
})

t.test("an upstream's end is passed on, and the other direction stays open", async (t) => {
  const { gateway, open } = await start(t)
  const { client, peer } = await open()
  client.socket.allowHalfOpen = true
  const ended = new Promise((resolve) => client.socket.once('end', resolve))
  peer.socket.end('last')
  await ended
  t.ok(client.text.endsWith('last'))
  t.equal(gateway.recorder.sessions, 1)
  client.send('still here')
  await peer.receive('still here')
  client.socket.end()
  await peer.closed()
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog, [{ code: null, outcome: 'ok' }])
})

t.test(
  `${HALF_CLOSE}: a side that does not follow the end of the other one is not waited for`,
  async (t) => {
    const quick = { limits: { tunnelFollowMs: 50 } }
    // The variant's own limit counts where it is shorter.
    const impatient = { timeout: timeouts({ idleMs: 50 }) }
    for (const [variant, options] of [
      [{}, quick],
      [impatient, { limits: { tunnelFollowMs: 600_000 } }],
    ] as const) {
      const { gateway, upstream, open } = await start(t, variant, options)
      const left = await open()
      left.peer.socket.allowHalfOpen = true
      left.client.close()
      await gateway.recorder.until(isOver)
      t.match(gateway.accessLog.at(-1), { code: 'SERIN_UPSTREAM_IDLE_TIMEOUT', outcome: 'ok' })
      const ended = await open()
      ended.client.socket.allowHalfOpen = true
      ended.peer.socket.end('last')
      await gateway.recorder.until(isOver)
      t.match(gateway.accessLog.at(-1), { code: 'SERIN_CLIENT_CLOSED', outcome: 'ok' })
      // Who has not closed its own side learns only by what it sends that nobody is there.
      const isGone = (side: RawConnection) => side.isClosed || side.send('x').isClosed
      await until(() => isGone(left.peer) && isGone(ended.client))
      t.ok(ended.client.text.endsWith('last'))
      await until(async () => upstream.open() + (await connections(gateway)) === 0)
      t.equal(gateway.exchanges.count, 0)
    }
  },
)

t.test(`${HALF_CLOSE}: the other side may send for as long as it does not pause`, async (t) => {
  const timeout = timeouts({ idleMs: 1_000 })
  const { gateway, open } = await start(t, { timeout }, { limits: { tunnelFollowMs: 300 } })
  const { client, peer } = await open()
  peer.socket.allowHalfOpen = true
  const ended = new Promise((resolve) => peer.socket.once('end', resolve))
  client.socket.end()
  await ended
  peer.send('one ')
  await client.receive('one ')
  await new Promise((resolve) => setTimeout(resolve, 500))
  peer.send('two')
  await client.receive('two')
  t.equal(gateway.recorder.sessions, 1)
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog, [{ code: 'SERIN_UPSTREAM_IDLE_TIMEOUT', answerBytes: 7 }])
})

t.test('a side that resets its connection takes the other one with it', async (t) => {
  const { gateway, upstream, open } = await start(t)
  const one = await open()
  one.client.socket.resetAndDestroy()
  await one.peer.closed()
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog.at(-1), { code: 'SERIN_CLIENT_CLOSED', flags: 'DC', outcome: 'ok' })
  const two = await open()
  two.peer.socket.resetAndDestroy()
  await two.client.closed()
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog.at(-1), { code: 'SERIN_UPSTREAM_TRUNCATED', flags: 'UC' })
  t.match(gateway.recorder.ends, [{ outcome: 'ok' }, { outcome: 'ok' }])
  t.equal(upstream.open(), 0)
})

t.test('a session may be quiet for longer than an answer, and not for ever', async (t) => {
  const limits = { tunnelIdleMs: 300 }
  const timeout = timeouts({ idleMs: 20, totalMs: 60, firstByteMs: 1_000 })
  const { gateway, open } = await start(t, { timeout }, { limits })
  const { client, peer } = await open()
  const begun = performance.now()
  await Promise.all([client.closed(), peer.closed()])
  // The timer's clock may be a tick behind.
  t.ok(performance.now() - begun > 250)
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog, [
    { code: 'SERIN_UPSTREAM_IDLE_TIMEOUT', flags: 'SI', outcome: 'ok', status: 101 },
  ])
  t.match(gateway.recorder.ends, [{ outcome: 'ok' }])
})

t.test('bytes of either side keep a session open', async (t) => {
  const { gateway, open } = await start(t, {}, { limits: { tunnelIdleMs: 200 } })
  const { client, peer } = await open()
  for (let n = 0; n < 6; n++) {
    await new Promise((resolve) => setTimeout(resolve, 60))
    if (n % 2 === 0) client.send('x')
    else peer.send('x')
  }
  t.equal(gateway.recorder.sessions, 1)
  client.close()
})

t.test('a drain lets sessions go on until the deadline of streams', async (t) => {
  const { gateway, open } = await start(t)
  const { client, peer } = await open()
  gateway.state.isDraining = true
  const closed = gateway.server.close()
  gateway.exchanges.closeAll('other')
  client.send('ping')
  await peer.receive('ping')
  gateway.exchanges.closeAll('stream')
  await Promise.all([client.closed(), peer.closed(), closed])
  await gateway.recorder.until(isOver)
  t.match(gateway.accessLog, [{ code: 'SERIN_SHUTTING_DOWN', outcome: 'ok', status: 101 }])
})

t.test('a reload leaves a session where it is, and its old upstream in use', async (t) => {
  const { gateway, upstream, open } = await start(t)
  const other = await startSessionUpstream()
  t.teardown(() => other.close())
  const { client, peer } = await open()
  gateway.reload([serviceWith([variantAt('baseline', other.origin)])])
  client.send('ping')
  await peer.receive('ping')
  t.same(
    gateway.upstreams.upstreams().map(({ origin }) => origin),
    [upstream.origin, other.origin],
  )
  const next = new RawConnection(gateway.port).send(handshake())
  await next.receive('\r\n\r\n')
  t.equal(other.peers.length, 1)
  next.close()
  client.close()
  await gateway.onlyUses([other.origin])
})

t.test('a hundred sessions leave nothing behind', async (t) => {
  const inFlight = { bodyBytes: 1024, headerBytes: 16_384, inFlight: 1_000 }
  const { gateway, upstream, open } = await start(t, {}, { config: { limits: inFlight } })
  const target = () => gateway.upstreams.upstreams()[0]!
  const all: Awaited<ReturnType<typeof open>>[] = []
  for (let n = 0; n < 100; n++) all.push(await open())
  t.equal(gateway.recorder.sessions, 100)
  t.equal(gateway.exchanges.count, 100)
  t.equal(target().inFlight, 100, 'the load of the upstream')
  for (const [n, { client, peer }] of all.entries()) {
    const side = n % 2 === 0 ? client : peer
    if (n % 3 === 0) side.close()
    else if (n % 3 === 1) side.socket.resetAndDestroy()
    else {
      client.socket.end()
      peer.socket.end()
    }
  }
  await gateway.recorder.until(isOver)
  await until(() => upstream.open() === 0)
  await until(async () => (await connections(gateway)) === 0)
  t.equal(gateway.exchanges.count, 0)
  t.equal(target().inFlight, 0)
  t.equal(gateway.accessLog.length, 100)
  t.same(gateway.errors, [])
})

t.test('a client that leaves during the handshake is not waited for', async (t) => {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const upstream = await startSessionUpstream(() => {})
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    const client = new RawConnection(gateway.port).send(handshake())
    const peer = await upstream.peer()
    client.socket[how]()
    await peer.closed()
    t.match(await gateway.recorder.ended(), { outcome: 'client_closed', status: 499 }, how)
    t.equal(gateway.recorder.sessions, 0)
    t.equal(gateway.exchanges.count, 0)
    await Promise.all([gateway.close(), upstream.close()])
  }
})

/** Writes so many bytes as the other side takes them; `sent` are those that were taken so far. */
function writeSlowly(socket: Socket, total: number): { readonly sent: () => number } {
  const chunk = Buffer.alloc(64 * 1024)
  let sent = 0
  const more = () => {
    while (sent < total) {
      sent += chunk.length
      if (!socket.write(chunk)) {
        socket.once('drain', more)
        return
      }
    }
  }
  more()
  return { sent: () => sent }
}

/** Waits until nothing moves any more; gives how much had. */
async function standstill(moved: () => number): Promise<number> {
  let before = -1
  while (before !== moved()) {
    before = moved()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return before
}

t.test('a side that does not read holds the other one back', async (t) => {
  const { open } = await start(t)
  const total = 50 * 1024 * 1024
  const { client, peer } = await open()
  for (const [from, to] of [
    [client.socket, peer.socket],
    [peer.socket, client.socket],
  ] as const) {
    let received = 0
    to.removeAllListeners('data')
    to.on('data', (chunk: Buffer) => (received += chunk.length))
    to.pause()
    const { sent } = writeSlowly(from, total)
    const taken = await standstill(sent)
    t.ok(taken > 0 && taken < total / 2, `${taken} bytes were taken`)
    to.resume()
    await until(() => received === total)
  }
  client.close()
})
