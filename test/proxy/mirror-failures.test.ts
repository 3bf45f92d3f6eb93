import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { refusedOrigin, startUpstream } from '../support/fake-upstream.ts'
import { serviceWith, timeouts, variantAt } from '../support/start-gateway.ts'
import { resultsOf, startMirrored, TO_SHADOW, untilBook } from './mirror-gateway.ts'

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
  while (upstream.isEjected(performance.now())) await delay(1)
  await post()
  await untilBook(book, () => Object.keys(resultsOf(book)).length > 0)
  t.same(resultsOf(book), { ok: 1 })
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
