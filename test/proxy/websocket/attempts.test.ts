import t from 'tap'
import { rolloutSpec } from '../../fakes/simulated-service.ts'
import { refusedOrigin, startStreamingUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { handshake, startSessionUpstream } from '../../support/session-upstream.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'

t.test('a handshake that nobody has seen goes to another upstream', async (t) => {
  const upstream = await startSessionUpstream()
  const gone = await refusedOrigin()
  const variant = variantAt('baseline', gone, { upstreams: [gone, upstream.origin] })
  const gateway = await startGateway([serviceWith([variant])], { draw: () => 0 })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(`${handshake()}early`)
  const answer = parseAnswer(await client.receive('\r\n\r\n'))
  t.equal(answer.status, 101)
  await (await upstream.peer()).receive('early')
  t.match(gateway.recorder.attempts, [{ result: 'failed' }, { result: 'ok' }])
  client.close()
})

t.test("the baseline takes a failed canary's session", async (t) => {
  const upstream = await startSessionUpstream()
  const broken = await startStreamingUpstream((_req, res) => res.writeHead(500).end('broken'))
  t.teardown(() => Promise.all([upstream.close(), broken.close()]))
  for (const [origin, status] of [
    [await refusedOrigin(), 502],
    [broken.origin, 500],
  ] as const) {
    const gateway = await startGateway([
      serviceWith([variantAt('baseline', upstream.origin), variantAt('canary', origin)], {
        rollout: rolloutSpec({ spec: { fallback: true } }),
        split: { key: null, rules: [], weightsBp: { canary: 10_000 }, override: null },
      }),
    ])
    const client = new RawConnection(gateway.port).send(handshake())
    const answer = parseAnswer(await client.receive('\r\n\r\n'))
    t.equal(answer.status, 101)
    t.equal(answer.field('x-serin-variant'), 'baseline')
    t.equal(answer.field('x-serin-fallback'), 'canary')
    t.match(gateway.recorder.ends, [{ variant: 'canary', outcome: 'failed', status }])
    t.same(gateway.recorder.fallbacks, ['ok'])
    client.send('ping')
    await upstream.peers.at(-1)!.receive('ping')
    client.socket.resetAndDestroy()
    await upstream.peers.at(-1)!.closed()
    await gateway.close()
    t.equal(gateway.recorder.sessions, 0)
    t.equal(gateway.recorder.fallbacks.length, 1)
    t.match(gateway.accessLog, [
      { fallback: true, variant: 'canary', status: 101, outcome: 'failed', failedStatus: status },
    ])
  }
})

t.test('a session keeps its place at the door until it ends', async (t) => {
  const upstream = await startSessionUpstream()
  const queue = { max: 1, timeoutMs: 60_000 }
  const variant = variantAt('baseline', upstream.origin, { maxInFlight: 1, queue })
  const gateway = await startGateway([serviceWith([variant])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const first = new RawConnection(gateway.port).send(handshake())
  await first.receive('\r\n\r\n')
  const second = new RawConnection(gateway.port).send(`${handshake()}waiting`)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  const third = parseAnswer(await rawExchange(gateway.port, handshake()))
  t.equal(third.field('x-serin-error'), 'SERIN_QUEUE_FULL')
  t.equal(third.field('connection'), 'close')
  t.equal(upstream.peers.length, 1)
  first.close()
  await second.receive('\r\n\r\n')
  await (await upstream.peer(2)).receive('waiting')
  const fourth = new RawConnection(gateway.port).send(handshake())
  await gateway.recorder.until(({ begun }) => begun.length === 4)
  fourth.close()
  await gateway.recorder.until(({ ends }) => ends.length === 4)
  t.match(gateway.recorder.ends.at(-1), { outcome: 'client_closed' })
  t.equal(upstream.peers.length, 2, 'who leaves the queue is never sent')
  second.close()
})

t.test('sessions count against the limit of requests in flight', async (t) => {
  const upstream = await startSessionUpstream()
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    config: { limits: { bodyBytes: 1024, headerBytes: 16_384, inFlight: 1 } },
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const first = new RawConnection(gateway.port).send(handshake())
  await first.receive('\r\n\r\n')
  const second = parseAnswer(await rawExchange(gateway.port, handshake()))
  t.equal(second.field('x-serin-error'), 'SERIN_OVERLOADED')
  first.close()
})
