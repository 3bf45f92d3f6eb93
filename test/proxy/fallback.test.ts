import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { RolloutSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import type { Variant } from '../../src/domain/variant.ts'
import { rolloutSpec } from '../fakes/simulated-service.ts'
import { refusedOrigin, startStreamingUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'

const POST = 'POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody'

const ROLLOUT: RolloutSpec = rolloutSpec({ spec: { fallback: true } })

/** A gateway whose canary gets everything, with the baseline to fall back on. */
async function start(
  t: Test,
  canary: (req: IncomingMessage, res: ServerResponse) => void,
  more: {
    readonly service?: Partial<Service>
    readonly canary?: Partial<Variant>
    readonly baseline?: Partial<Variant>
  } = {},
) {
  const good = await startUpstream((_req, res) => res.end('baseline'))
  const bad = await startStreamingUpstream(canary)
  const gateway = await startGateway([
    serviceWith(
      [
        variantAt('baseline', good.origin, more.baseline),
        variantAt('canary', bad.origin, more.canary),
      ],
      {
        idempotent: true,
        rollout: ROLLOUT,
        split: { key: null, rules: [], weightsBp: { canary: 10_000 }, override: null },
        ...more.service,
      },
    ),
  ])
  t.teardown(() => Promise.all([gateway.close(), good.close(), bad.close()]))
  return { gateway, good, bad }
}

t.test("the baseline answers in a failed canary's place, and the failure stays", async (t) => {
  const { gateway, good, bad } = await start(t, (_req, res) => res.writeHead(500).end('broken'))
  const answer = parseAnswer(await rawExchange(gateway.port, POST))
  t.equal(answer.status, 200)
  t.match(answer.body, 'baseline')
  t.equal(answer.field('x-serin-variant'), 'baseline')
  t.equal(answer.field('x-serin-fallback'), 'canary')
  t.equal(answer.field('x-serin-error'), null)
  t.equal(good.seen[0]!.body.toString(), 'body')
  t.equal(good.seen[0]!.headers['x-serin-variant'], 'baseline')
  t.match(gateway.recorder.ends, [{ variant: 'canary', outcome: 'failed', status: 500 }])
  t.match(gateway.recorder.attempts, [
    { variant: 'canary', result: 'failed' },
    { variant: 'baseline', result: 'ok' },
  ])
  t.same(gateway.recorder.fallbacks, ['ok'])
  t.match(gateway.accessLog, [
    { variant: 'canary', fallback: true, status: 200, outcome: 'failed', attempts: 2 },
  ])
  t.match(gateway.accessLog, [{ level: 'warn' }], 'as the failure that it is of the canary')
  t.match(gateway.accessLog, [
    { failedStatus: 500, failedUpstream: bad.origin, upstream: good.origin },
  ])
})

t.test('it does so, too, where what the canary answers cannot be passed on', async (t) => {
  const { gateway } = await start(t, (_req, res) => {
    res.socket!.end(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    )
  })
  const answer = parseAnswer(await rawExchange(gateway.port, POST))
  t.match([answer.status, answer.field('x-serin-fallback')], [200, 'canary'])
  t.match(answer.body, 'baseline')
  const code = 'SERIN_UPSTREAM_TRANSFER_CODING'
  t.match(gateway.recorder.ends, [{ variant: 'canary', outcome: 'failed', status: 502, code }])
  t.match(gateway.accessLog, [{ outcome: 'failed', code, failedStatus: 502, status: 200 }])
  t.match(gateway.recorder.attempts, [
    { variant: 'canary', result: 'failed' },
    { variant: 'baseline', result: 'ok' },
  ])
})

t.test("a fallback's answer is nobody's prediction", async (t) => {
  const observe = {
    requestIdHeader: 'x-request-id',
    prediction: '/x',
    sample: 1,
    numbers: [],
    awaitsEvents: false,
  }
  const { gateway } = await start(t, (_req, res) => res.writeHead(500).end(), {
    service: { observe },
  })
  await rawExchange(gateway.port, POST)
  t.match(gateway.recorder.predictions, [{ value: null }])
})

t.test('a canary that cannot be reached or does not answer is replaced too', async (t) => {
  const { gateway } = await start(t, () => {}, {
    canary: { timeout: timeouts({ firstByteMs: 30 }) },
  })
  t.equal(parseAnswer(await rawExchange(gateway.port, POST)).status, 200)
  t.match(gateway.recorder.ends, [{ variant: 'canary', outcome: 'no_answer', status: 504 }])
  const gone = await start(t, () => {}, { canary: { upstreams: [await refusedOrigin()] } })
  t.equal(parseAnswer(await rawExchange(gone.gateway.port, POST)).status, 200)
  const code = 'SERIN_UPSTREAM_REFUSED'
  t.match(gone.gateway.recorder.ends, [{ variant: 'canary', outcome: 'failed', status: 502, code }])
})

t.test('without `idempotent` only what was never sent is answered by the baseline', async (t) => {
  const service = { idempotent: false }
  const failing = await start(t, (_req, res) => res.writeHead(500).end(), { service })
  t.equal(parseAnswer(await rawExchange(failing.gateway.port, POST)).status, 500)
  const canary = { upstreams: [await refusedOrigin()] }
  const gone = await start(t, () => {}, { service, canary })
  t.equal(parseAnswer(await rawExchange(gone.gateway.port, POST)).status, 200)
})

t.test('a failure within the answer is not covered up: bytes have left', async (t) => {
  const { gateway, good } = await start(t, (_req, res) => {
    res.writeHead(200, { 'content-length': 9 })
    res.write('half', () => res.destroy())
  })
  const client = new RawConnection(gateway.port).send(POST)
  await client.closed()
  t.match(await gateway.recorder.ended(), { variant: 'canary', outcome: 'failed' })
  t.equal(good.seen.length, 0)
})

t.test('a long error page of the canary is cut, not read', async (t) => {
  let cut = false
  const { gateway } = await start(t, (_req, res) => {
    res.writeHead(500)
    res.on('close', () => (cut = true))
    const more = () => {
      while (res.write(Buffer.alloc(65_536)));
    }
    res.on('drain', more)
    more()
  })
  t.equal(parseAnswer(await rawExchange(gateway.port, POST)).status, 200)
  while (!cut) await delay(1)
})

t.test('who asked for the canary by name gets what the canary says', async (t) => {
  const override = { header: 'x-serin-variant', secret: 'secret-of-16-bytes' }
  const { gateway } = await start(t, (_req, res) => res.writeHead(500).end(), {
    service: { split: { key: null, rules: [], weightsBp: {}, override } },
  })
  const head = `x-serin-variant: canary\r\nx-serin-secret: ${override.secret}\r\n`
  const answer = parseAnswer(await rawExchange(gateway.port, POST.replace('Host', `${head}Host`)))
  t.equal(answer.status, 500)
})

t.test("the baseline's own failures, and its closed door, are shown as they are", async (t) => {
  const shut = await start(t, (_req, res) => res.writeHead(500).end(), {
    baseline: { maxInFlight: 0 },
  })
  t.equal(parseAnswer(await rawExchange(shut.gateway.port, POST)).status, 500)
  const gone = await start(t, (_req, res) => res.writeHead(500).end(), {
    baseline: { upstreams: [await refusedOrigin()] },
  })
  const answer = parseAnswer(await rawExchange(gone.gateway.port, POST))
  t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_REFUSED')
  t.equal(answer.field('x-serin-variant'), 'baseline')
  t.equal(answer.field('x-serin-fallback'), 'canary', 'in whose place it was asked')
  t.same(gone.gateway.recorder.fallbacks, ['failed'])
  t.equal(gone.gateway.recorder.ends.length, 1)
})

t.test('who finds no place at the canary is answered by the baseline', async (t) => {
  const held: ServerResponse[] = []
  const { gateway } = await start(t, (_req, res) => held.push(res), {
    service: { idempotent: false },
    canary: { maxInFlight: 1, queue: { max: 1, timeoutMs: 40 } },
  })
  const first = new RawConnection(gateway.port).send(POST)
  while (held.length < 1) await delay(1)
  const waiting = rawExchange(gateway.port, POST)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  t.equal(parseAnswer(await rawExchange(gateway.port, POST)).field('x-serin-fallback'), 'canary')
  t.equal(parseAnswer(await waiting).field('x-serin-fallback'), 'canary')
  t.match(gateway.recorder.ends, [
    { variant: 'canary', outcome: 'rejected', status: 503, upstreamMs: null },
    { variant: 'canary', outcome: 'rejected', status: 503, upstreamMs: null },
  ])
  t.match(gateway.accessLog, [
    { code: 'SERIN_QUEUE_FULL', flags: 'UO', status: 200, failedUpstream: '' },
    { code: 'SERIN_QUEUE_TIMEOUT' },
  ])
  held[0]!.end('late')
  await first.receive('late')
  const next = new RawConnection(gateway.port).send(POST)
  while (held.length < 2) await delay(1)
  held[1]!.end('again')
  await next.receive('again')
})

t.test('only so many at once are answered by the baseline', async (t) => {
  const held: ServerResponse[] = []
  const { gateway, good } = await start(t, (_req, res) => res.writeHead(500).end())
  good.server.removeAllListeners('request')
  good.server.on('request', (_req, res: ServerResponse) => held.push(res))
  const clients = [1, 2, 3].map(() => new RawConnection(gateway.port).send(POST))
  while (held.length < 3) await delay(1)
  t.equal(parseAnswer(await rawExchange(gateway.port, POST)).status, 500, 'the fourth')
  for (const res of held) res.end('late')
  for (const client of clients) await client.receive('late')
  good.server.on('request', (_req, res: ServerResponse) => res.end('again'))
  good.server.removeListener('request', good.server.listeners('request')[0] as () => void)
  t.equal(parseAnswer(await rawExchange(gateway.port, POST)).status, 200, 'there is room again')
})
