import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { refusedOrigin, startUpstream } from '../support/fake-upstream.ts'
import { RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'
import { resultsOf, startMirrored, TO_SHADOW, untilBook } from './mirror-gateway.ts'

const weights = (weightsBp: Readonly<Record<string, number>>): Partial<Service> => ({
  split: { key: null, rules: [], weightsBp, override: null },
})

t.test('a copy has the bytes and the header of the request, and a mark', async (t) => {
  const { gateway, live, shadow, book } = await startMirrored(
    t,
    {},
    { shadow: { path: '/other/*' } },
  )
  const body = Buffer.from([0, 255, 13, 10, 123])
  const head =
    'POST /m/x?q=%20 HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\nx-own: 2\r\nX-Serin-Own: 3\r\n' +
    'Authorization: b\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'
  const answer = await rawExchange(gateway.port, Buffer.concat([Buffer.from(head, 'latin1'), body]))
  t.match(answer, /^HTTP\/1\.1 200 OK/)
  t.match(answer, /live/)
  await untilBook(book, ({ results }) => results.ok === 1)
  const [one, two] = [live.seen[0]!, shadow.seen[0]!]
  t.equal(two.method, 'POST')
  t.equal(two.url, '/other/x?q=%20', 'by the path of the variant')
  t.same(two.body, body)
  const without = ({ rawHeaders }: typeof one, own: readonly string[]) =>
    rawHeaders.filter((_, n) => {
      const name = rawHeaders[n - (n % 2)]!.toLowerCase()
      return !own.includes(name) && name !== 'host' && name !== 'x-serin-variant'
    })
  t.same(without(two, ['x-serin-mirror']), without(one, []))
  t.equal(two.headers['x-serin-mirror'], '1')
  t.equal(two.headers['x-serin-variant'], 'shadow')
  t.equal(one.headers['x-serin-mirror'], undefined)
  t.equal(one.headers['x-serin-variant'], 'baseline')
})

t.test('nothing of a copy is in the outcomes and attempts of its variant', async (t) => {
  const { gateway, post, book } = await startMirrored(t, {
    shadow: (_req, res) => res.writeHead(500).end(),
  })
  for (let n = 0; n < 10; n++) t.equal(await post(), '200 live')
  await untilBook(book, ({ results }) => results.failed === 10)
  t.equal(book.inFlight, 0)
  t.equal(book.durations.cumulative().count, 10)
  const { begun, ends, attempts, notes } = gateway.recorder
  t.same([...new Set(begun.map(({ assignment }) => assignment.variant))], ['baseline'])
  t.same([...new Set(ends.map(({ variant }) => variant))], ['baseline'])
  t.same([...new Set(attempts.map(({ variant }) => variant))], ['baseline'])
  t.same([ends.length, attempts.length, notes.length], [10, 10, 0])
  t.equal(gateway.accessLog.length, 10)
})

t.test('failures of copies eject no upstream', async (t) => {
  const eject = { consecutiveFailures: 1, baseMs: 60_000, maxMs: 60_000 }
  const other = await startUpstream((_req, res) => res.writeHead(500).end())
  t.teardown(other.close)
  const { gateway, post, book, shadow } = await startMirrored(
    t,
    { shadow: (_req, res) => res.writeHead(500).end() },
    { shadow: { eject } },
  )
  const variant = variantAt('shadow', shadow.origin, { eject })
  const two = { ...variant, upstreams: [shadow.origin, other.origin] }
  gateway.reload([
    serviceWith([variantAt('baseline', other.origin), two], { mirrors: [TO_SHADOW] }),
  ])
  const now = performance.now()
  for (let n = 0; n < 5; n++) await post()
  await untilBook(gateway.mirrors.get('shadow')!, ({ results }) => results.failed === 5)
  t.ok(gateway.upstreams.upstreams().every((upstream) => upstream.isAvailable(now)))
  t.same(gateway.warnings, [])
  t.equal(book.sent, 5)
})

for (const [how, result, shadow] of [
  ['is slow', 'no_answer', () => {}],
  ['fails', 'failed', (_req, res) => res.writeHead(503).end()],
  ['resets', 'failed', (req) => req.socket.resetAndDestroy()],
  [
    'breaks off',
    'failed',
    (req, res) => {
      res.writeHead(200, { 'content-length': '10' }).write('x')
      setImmediate(() => req.socket.destroy())
    },
  ],
  ['stops within its answer', 'no_answer', (_req, res) => void res.writeHead(200).write('x')],
] as const satisfies readonly (readonly [string, string, Parameters<typeof startUpstream>[0]])[]) {
  t.test(`a request is answered as ever when its mirror ${how}`, async (t) => {
    const { post, book, gateway } = await startMirrored(
      t,
      { shadow },
      { shadow: { timeout: timeouts({ firstByteMs: 50, idleMs: 50 }) } },
    )
    t.equal(await post(), '200 live')
    await untilBook(book, () => Object.keys(resultsOf(book)).length > 0)
    t.same(resultsOf(book), { [result]: 1 })
    t.equal(book.inFlight, 0)
    t.same(gateway.errors, [])
  })
}

t.test('an answer without an end is given up after the time for all of it', async (t) => {
  const { post, book } = await startMirrored(
    t,
    {
      shadow: (_req, res) => {
        const timer = setInterval(() => res.write('x'), 5)
        res.on('close', () => clearInterval(timer))
      },
    },
    { shadow: { timeout: timeouts({ firstByteMs: 100, idleMs: 60, totalMs: null }) } },
  )
  await post()
  await untilBook(book, ({ results }) => results.no_answer === 1)
  t.same(resultsOf(book), { no_answer: 1 })
})

t.test('a mirror where nobody listens is counted, and costs no answer', async (t) => {
  const { post, book, gateway, live } = await startMirrored(t, {})
  gateway.reload([
    serviceWith([variantAt('baseline', live.origin), variantAt('shadow', await refusedOrigin())], {
      mirrors: [TO_SHADOW],
    }),
  ])
  t.equal(await post(), '200 live')
  await untilBook(book, ({ results }) => results.failed === 1)
  t.equal(book.durations.cumulative().count, 0, 'what had no answer took no time')
})

t.test('of a thousand copies that hang so many are under way as may be', async (t) => {
  const { post, book, gateway, shadow } = await startMirrored(
    t,
    { shadow: () => {} },
    { options: { limits: { mirrorsInFlight: 16 } } },
  )
  const answers = await Promise.all(Array.from({ length: 1000 }, () => post()))
  t.same([...new Set(answers)], ['200 live'])
  t.equal(book.inFlight, 16)
  t.same(resultsOf(book), { dropped_busy: 984 })
  await untilBook(book, () => shadow.seen.length === 16)
  const began = performance.now()
  await gateway.server.close()
  t.ok(performance.now() - began < 2_000, 'they do not hold up the end')
  t.equal(book.inFlight, 0)
  t.same(resultsOf(book), { dropped_busy: 984, cancelled: 16 })
})

t.test('requests and copies together stay within maxInFlight of the variant', async (t) => {
  const { post, book } = await startMirrored(
    t,
    { shadow: () => {} },
    { shadow: { maxInFlight: 2 } },
  )
  for (let n = 0; n < 5; n++) t.equal(await post(), '200 live')
  t.equal(book.inFlight, 2)
  t.same(resultsOf(book), { dropped_busy: 3 })
})

t.test('what is held for copies is bounded', async (t) => {
  const { post, book } = await startMirrored(
    t,
    { shadow: () => {} },
    { options: { limits: { mirrorBytes: 10_000 } } },
  )
  const body = Buffer.alloc(4_000)
  for (let n = 0; n < 4; n++) t.equal(await post(body), '200 live')
  t.equal(book.inFlight, 2)
  t.same(resultsOf(book), { dropped_busy: 2 })
})

t.test('whatever becomes of copies, all that they held is given back', async (t) => {
  let n = 0
  const { post, book } = await startMirrored(
    t,
    {
      live: (_req, res) => res.writeHead(n % 7 === 0 ? 500 : 200).end(Buffer.alloc(900, 'l')),
      shadow: (req, res) => {
        n++
        if (n % 3 === 0) req.socket.destroy()
        else if (n % 5 === 0) res.writeHead(500).end()
        else res.end(Buffer.alloc(n % 2 === 0 ? 900 : 90_000, 's'))
      },
    },
    { options: { limits: { mirrorBytes: 24_000, copyBytes: 10_000 } } },
  )
  for (let sent = 1; sent <= 300; sent++) {
    await post(Buffer.alloc(1_000))
    await untilBook(book, ({ results: { ok, failed } }) => ok + failed === sent)
  }
  t.same(resultsOf(book)['dropped_busy'], undefined)
  t.equal(book.sent, 300)
})

t.test('copies are dropped when no upstream is well, and when the body is too large', async (t) => {
  const { post, book, gateway } = await startMirrored(t, {}, { mirror: { maxBytes: 10 } })
  await post('x'.repeat(11))
  await post('x'.repeat(200_000))
  t.same(resultsOf(book), { dropped_too_large: 2 })
  const upstream = gateway.upstreams.upstreams().find(({ variant }) => variant === 'shadow')!
  upstream.checked('down', performance.now())
  t.equal(await post('x'), '200 live')
  t.same(resultsOf(book), { dropped_too_large: 2, dropped_unhealthy: 1 })
})

t.test('an ejection that was over before the first copy is over for it too', async (t) => {
  const eject = { consecutiveFailures: 1, baseMs: 60_000, maxMs: 60_000 }
  const { gateway, post, book } = await startMirrored(t, {}, { shadow: { eject } })
  const upstream = gateway.upstreams.upstreams().find(({ variant }) => variant === 'shadow')!
  upstream.eject(performance.now() - 59_999)
  while (upstream.isEjected(performance.now())) await new Promise((done) => setImmediate(done))
  await post()
  await untilBook(book, () => Object.keys(resultsOf(book)).length > 0)
  t.same(resultsOf(book), { ok: 1 })
})

t.test('a body that streams is copied once it was there in full', async (t) => {
  const { gateway, book, live, shadow } = await startMirrored(t, {})
  const part = Buffer.alloc(50_000, 'ab')
  const client = new RawConnection(gateway.port).send(
    'POST /m/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
  )
  for (let n = 0; n < 6; n++) {
    client
      .send(`${part.length.toString(16)}\r\n`)
      .send(part)
      .send('\r\n')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(shadow.seen.length, 0)
  client.send('0\r\n\r\n')
  t.match(await client.closed(), /live/)
  await untilBook(book, ({ results }) => results.ok === 1)
  t.same(shadow.seen[0]!.body, live.seen[0]!.body)
  t.equal(shadow.seen[0]!.body.length, 300_000)
  t.equal(shadow.seen[0]!.headers['content-length'], '300000')
})

t.test('a body that never came in full is not copied', async (t) => {
  const { gateway, book, shadow } = await startMirrored(t, {})
  const client = new RawConnection(gateway.port).send(
    'POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n',
  )
  client.send(Buffer.alloc(100_000))
  await gateway.recorder.until(({ begun }) => begun.length === 1)
  client.close()
  await gateway.recorder.ended()
  t.same(resultsOf(book), { dropped_incomplete: 1 })
  t.equal(shadow.seen.length, 0)
})

t.test('a client that leaves does not end the copy', async (t) => {
  const held: (() => void)[] = []
  const hold = (_req: unknown, res: { end: (body: string) => void }) => {
    held.push(() => res.end('{}'))
  }
  const { gateway, book } = await startMirrored(t, { live: hold, shadow: hold })
  const client = new RawConnection(gateway.port).send('GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n')
  await untilBook(book, () => held.length === 2)
  client.close()
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed' })
  t.equal(book.inFlight, 1)
  for (const answer of held) answer()
  await untilBook(book, ({ results }) => results.ok === 1)
  t.same([book.pairs, book.unread], [0, 0], 'and there is no pair')
})

t.test('not copied are copies, upgrades, and what the variant answers already', async (t) => {
  const { gateway, post, book } = await startMirrored(t, {})
  const get = (more: string) =>
    rawExchange(gateway.port, `GET /m/x HTTP/1.1\r\nHost: a\r\n${more}\r\n\r\n`)
  t.match(await get('x-serin-mirror: 1\r\nConnection: close'), /live/)
  await get(
    'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  )
  t.equal(gateway.recorder.begun.length, 2)
  t.equal(book.sent, 0)
  const all = serviceWith(
    [variantAt('baseline', gateway.url), variantAt('shadow', await refusedOrigin())],
    { ...weights({ shadow: 10_000 }), mirrors: [TO_SHADOW] },
  )
  gateway.reload([all])
  t.match(await post(), /^502 /)
  t.same(resultsOf(book), {})
  t.equal(book.inFlight, 0)
})

t.test('a request that was refused itself is not copied', async (t) => {
  const { gateway, book, post, shadow } = await startMirrored(t, {})
  const full = variantAt('baseline', shadow.origin, { maxInFlight: 1 })
  const service = serviceWith([{ ...full, maxInFlight: 0 }, variantAt('shadow', shadow.origin)], {
    mirrors: [TO_SHADOW],
  })
  gateway.reload([service])
  t.match(await post(), /^503 /)
  t.same(resultsOf(book), {})
  t.equal(book.sent, 0)
})

t.test('a share is copied, drawn anew for every request and mirror', async (t) => {
  // A linear congruential generator (Numerical Recipes): the draws are the same in every run.
  let seed = 42
  const draw = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const { gateway, post, service, shadow } = await startMirrored(
    t,
    {},
    { options: { draw }, mirror: { share: 0.3 } },
  )
  const [baseline, first] = service.variants
  gateway.reload([
    {
      ...service,
      variants: [baseline!, first!, variantAt('canary', shadow.origin)],
      mirrors: [...service.mirrors, { ...TO_SHADOW, to: 'canary', share: 0.1 }],
    },
  ])
  const count = 2_000
  for (let n = 0; n < count / 50; n++) await Promise.all(Array.from({ length: 50 }, () => post()))
  for (const [variant, share] of [
    ['shadow', 0.3],
    ['canary', 0.1],
  ] as const) {
    const { sent, results } = gateway.mirrors.get(variant)!
    const drawn = sent + results.dropped_busy
    const deviation = Math.sqrt(count * share * (1 - share))
    t.ok(Math.abs(drawn - count * share) < 4 * deviation, `${variant}: ${drawn} of ${count}`)
  }
})

t.test('a reload adds a mirror and takes it away', async (t) => {
  const { gateway, post, service, book } = await startMirrored(t, {})
  await post()
  await untilBook(book, ({ results }) => results.ok === 1)
  gateway.reload([{ ...service, mirrors: [] }])
  await post()
  gateway.reload([service])
  await post()
  await untilBook(book, ({ results }) => results.ok === 2)
  t.equal(book.sent, 2)
})

t.test('a copy that a reload overtakes keeps its connections to its end', async (t) => {
  let answer = () => {}
  const { gateway, post, service, book, live, shadow } = await startMirrored(t, {
    shadow: (_req, res) => {
      answer = () => res.end('late')
    },
  })
  await post()
  await untilBook(book, () => shadow.seen.length === 1)
  gateway.reload([{ ...service, variants: [service.variants[0]!], mirrors: [] }])
  t.ok(gateway.upstreams.upstreams().some(({ origin }) => origin === shadow.origin))
  answer()
  await untilBook(book, ({ results }) => results.ok === 1)
  t.ok(await gateway.onlyUses([live.origin]))
})

t.test("a mistake in the making of a copy is told, and is not the request's", async (t) => {
  let draws = 0
  const draw = () => {
    // The first one is that of the assignment.
    if (++draws % 2 === 0) throw new RangeError('no more numbers')
    return 0.5
  }
  const mirror = { share: 0.5 }
  const { gateway, post, service, live } = await startMirrored(t, {}, { options: { draw }, mirror })
  t.equal(await post(), '200 live')
  t.match(gateway.errors, [{ err: RangeError }], 'in the draw')
  const [baseline, shadow] = service.variants
  const two = { ...shadow!, upstreams: [live.origin, ...shadow!.upstreams] }
  gateway.reload([{ ...service, variants: [baseline!, two], mirrors: [TO_SHADOW] }])
  t.equal(await post(), '200 live')
  t.match(
    gateway.errors,
    [{ err: RangeError }, { err: RangeError }],
    'in the choice of an upstream',
  )
  t.equal(gateway.recorder.ends.length, 2)
})

t.test('a fresh gateway has no mirrors and copies nothing', async (t) => {
  const live = await startUpstream((_req, res) => res.end('live'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', live.origin)])])
  t.teardown(() => Promise.all([gateway.close(), live.close()]))
  await rawExchange(gateway.port, 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  t.equal(live.seen.length, 1)
  t.equal(gateway.mirrors.size, 0)
})
