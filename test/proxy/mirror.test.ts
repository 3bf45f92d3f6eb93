import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { refusedOrigin, startUpstream } from '../support/fake-upstream.ts'
import { RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
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

t.test('a fresh gateway has no mirrors and copies nothing', async (t) => {
  const live = await startUpstream((_req, res) => res.end('live'))
  const gateway = await startGateway([serviceWith([variantAt('baseline', live.origin)])])
  t.teardown(() => Promise.all([gateway.close(), live.close()]))
  await rawExchange(gateway.port, 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  t.equal(live.seen.length, 1)
  t.equal(gateway.mirrors.size, 0)
})
