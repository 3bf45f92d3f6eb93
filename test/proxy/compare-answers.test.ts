import t from 'tap'
import { compareAnswers } from '../../src/proxy/compare-answers.ts'
import type { MirrorAnswer } from '../../src/proxy/mirror-answer.ts'
import { isReadable } from '../../src/proxy/mirror-answer.ts'
import { MirrorPairs } from '../../src/proxy/mirror-pairs.ts'
import { MirrorBook } from '../../src/metrics/mirror-book.ts'
import { gzipSync } from 'node:zlib'
import { rawExchange } from '../support/raw-client.ts'
import { resultsOf, startMirrored, untilBook, type Answer } from './mirror-gateway.ts'

const NO_EVENTS = { numbers: [], awaitsEvents: false }

const answer = (body: string | null, status = 200): MirrorAnswer => ({
  status,
  headMs: 1,
  firstByteMs: null,
  chunks: body === null ? null : [Buffer.from(body)],
  bytes: body?.length ?? 0,
})

t.test('the first thing in which two answers differ is named', async (t) => {
  const value = (n: unknown) => JSON.stringify({ p: [n], v: '1' })
  const deep = (depth: number, inner: string) => '['.repeat(depth) + inner + ']'.repeat(depth)
  const cases: readonly (readonly [
    live: MirrorAnswer,
    mirror: MirrorAnswer,
    result: string,
    values?: readonly [unknown, unknown],
  ])[] = [
    [answer('{}'), answer('{}', 201), 'status', [200, 201]],
    [answer('{}', 500), answer('[]', 500), 'agreed'],
    [answer('{}', 500), answer('{}', 503), 'status', [500, 503]],
    [answer(null), answer('{}'), 'unread'],
    [answer('{}'), answer(null), 'unread'],
    [answer(''), answer(''), 'agreed'],
    [answer('NaN'), answer('NaN'), 'agreed'],
    [answer('NaN'), answer('{}'), 'unread'],
    [answer('{}'), answer('NaN'), 'schema'],
    [answer('{}'), answer('[]'), 'schema'],
    [answer('{}'), answer('null'), 'schema'],
    [answer('{"a":1}'), answer('{"b":1}'), 'schema'],
    [answer('{"a":1}'), answer('{"a":1,"b":1}'), 'schema'],
    [answer('{"a":1}'), answer('{"a":"1"}'), 'schema'],
    [answer('{"a":[{"x":1}]}'), answer('{"a":[{"y":1}]}'), 'schema'],
    [answer('{"a":1,"b":2,"p":[1]}'), answer('{"p":[1],"b":2,"a":1}'), 'agreed'],
    [answer('{"a":[],"p":[1]}'), answer('{"a":[1,2],"p":[1]}'), 'agreed'],
    [answer('{"a":[]}'), answer('{"a":[1,2]}'), 'unread'],
    [answer('{"__proto__":1}'), answer('{"toString":1}'), 'schema'],
    [answer(`{"p":${deep(90_000, '1')}}`), answer(`{"p":${deep(90_000, '"x"')}}`), 'agreed'],
    [answer(value(100)), answer(value(101)), 'agreed'],
    [answer(value(101)), answer(value(100)), 'agreed'],
    [answer(value(100)), answer(value(101.1)), 'value', [100, 101.1]],
    [answer(value(-100)), answer(value(100)), 'value', [-100, 100]],
    [answer(value(0)), answer(value(0)), 'agreed'],
    [answer(value(0)), answer(value(1e-12)), 'value', [0, 1e-12]],
    [answer(value('cat')), answer('{"v":"2","p":["cat"]}'), 'agreed'],
    [answer(value('cat')), answer(value('dog')), 'value', ['cat', 'dog']],
    [
      answer(value('a'.repeat(999))),
      answer(value('b'.repeat(999))),
      'value',
      ['a'.repeat(100), 'b'.repeat(100)],
    ],
    [answer(value(true)), answer(value(false)), 'value', [true, false]],
    [answer(value([1, 2])), answer(value([1.005, 2])), 'agreed'],
    [answer(value([1, 2])), answer(value([1, 2.5])), 'value', [2, 2.5]],
    [answer(value([1, 2])), answer(value([1])), 'value', ['2 items', '1 items']],
    [answer(value({ a: [1], b: 2 })), answer(value({ b: 2.001, a: [1] })), 'agreed'],
    [answer(value({ a: [1], b: 2 })), answer(value({ a: [3], b: 2 })), 'value', [1, 3]],
    [answer('{"p":[1]}'), answer('{"p":[]}'), 'value', [1, null]],
  ]
  for (const [n, [live, mirror, result, values = [null, null]]] of cases.entries()) {
    const [shownLive, shownMirror] = values
    t.same(
      compareAnswers(live, mirror, '/p/0', 0.01),
      { result, live: shownLive, mirror: shownMirror },
      `case ${n}`,
    )
  }
})

t.test('without a pointer statuses and forms alone are compared', async (t) => {
  t.equal(compareAnswers(answer('{"p":1}'), answer('{"p":2}'), null, 0).result, 'agreed')
  t.equal(compareAnswers(answer('{"p":1}'), answer('{"q":1}'), null, 0).result, 'schema')
})

t.test('a tolerance of 0 asks for equal numbers', async (t) => {
  const one = answer('{"p":0.3}')
  t.equal(compareAnswers(one, answer('{"p":0.30}'), '/p', 0).result, 'agreed')
  t.equal(compareAnswers(one, answer('{"p":0.30000000000000004}'), '/p', 0).result, 'value')
})

t.test('what is encoded or a stream of events is not read', async (t) => {
  const head = (...pairs: string[]) => pairs.map((text) => Buffer.from(text))
  t.ok(isReadable(head('Content-Type', 'application/json', 'content-encoding', 'Identity')))
  t.notOk(isReadable(head('Content-Encoding', 'gzip')))
  t.notOk(isReadable(head('content-type', 'Text/Event-Stream; charset=utf-8')))
})

t.test('pairs beyond what may wait are counted as unread, and the rest is compared', async (t) => {
  const pairs = new MirrorPairs({ now: () => 7, monotonic: () => 0 })
  const book = new MirrorBook('shadow', '1')
  const mirror = {
    spec: { tolerance: 0 },
    service: { observe: { prediction: '/p' } },
    book,
  } as never
  let done = 0
  for (let n = 0; n < 1_100; n++) {
    pairs.add({
      mirror,
      requestId: `r${n}`,
      answeredBy: 'baseline',
      live: { ...answer('{"p":1}'), headMs: 2 },
      copy: { ...answer(`{"p":${n % 2}}`), headMs: 5 },
      bytes: 14,
      wantsPredictions: false,
      onDone: () => done++,
    })
  }
  pairs.close()
  t.same([book.unread, book.pairs, done], [76, 1_024, 1_100])
  t.same(book.disagreements, { status: 0, schema: 0, value: 512 })
  t.same([book.liveMs, book.mirrorMs], [2_200, 5_500])
  t.equal(book.lastDisagreed.length, 20)
  t.same(book.lastDisagreed.at(-1), {
    at: 7,
    requestId: 'r1022',
    answeredBy: 'baseline',
    result: 'value',
    live: 1,
    mirror: 0,
    liveMs: 2,
    mirrorMs: 5,
  })
})

t.test('answers are compared in pairs, whichever comes first', async (t) => {
  let answerLive = () => {}
  let answerShadow = () => {}
  const { post, book, gateway } = await startMirrored(
    t,
    {
      live: (req, res) => {
        answerLive = () => res.end('{"p":1}')
        if (req.url !== '/m/late') answerLive()
      },
      shadow: (req, res) => {
        answerShadow = () => res.end('{"p":2}')
        if (req.url === '/m/late') {
          answerShadow()
          setImmediate(() => setImmediate(answerLive))
        }
      },
    },
    {
      service: { observe: { requestIdHeader: 'x-id', prediction: '/p', sample: 1, ...NO_EVENTS } },
    },
  )
  await post('', '/m/late')
  await untilBook(book, ({ pairs }) => pairs === 1)
  await post('', '/m/early')
  await untilBook(book, ({ inFlight }) => inFlight === 1)
  answerShadow()
  await untilBook(book, ({ pairs }) => pairs === 2)
  t.same(book.disagreements, { status: 0, schema: 0, value: 2 })
  t.match(book.lastDisagreed, [
    { requestId: 'id-1', answeredBy: 'baseline', result: 'value', live: 1, mirror: 2 },
    { requestId: 'id-2' },
  ])
  t.ok(book.mirrorMs > 0 && book.liveMs > 0)
  t.equal(book.latencies.count, 2)
  await gateway.recorder.until(({ predictions }) => predictions.length === 2)
  t.match(gateway.recorder.predictions, [{ value: 1 }, { value: 1 }], 'the live ones alone')
})

t.test('statuses, forms and values disagree over real sockets', async (t) => {
  const answers: Record<string, readonly [status: number, body: string | Buffer, head?: object]> = {
    '/m/same': [200, '{"p":1}'],
    '/m/status': [500, '{"p":1}'],
    '/m/form': [200, '{"q":1}'],
    '/m/value': [200, '{"p":1.2}'],
    '/m/close': [200, '{"p":1.005}'],
    '/m/gzip': [200, gzipSync('{"p":1}'), { 'content-encoding': 'gzip' }],
    '/m/large': [200, `{"p":1,"x":"${'x'.repeat(9_000)}"}`],
    '/m/empty': [204, ''],
  }
  const { post, book } = await startMirrored(
    t,
    {
      live: (_req, res) => res.end('{"p":1}'),
      shadow: (req, res) => {
        const [status, body, head = {}] = answers[req.url!]!
        res.writeHead(status, { ...head }).end(body)
      },
    },
    {
      service: { observe: { requestIdHeader: 'x-id', prediction: '/p', sample: 1, ...NO_EVENTS } },
      options: { limits: { copyBytes: 4_096 } },
    },
  )
  let n = 0
  for (const path of Object.keys(answers)) {
    await post('', path)
    n++
    await untilBook(book, ({ pairs, unread }) => pairs + unread === n)
  }
  t.same(book.disagreements, { status: 2, schema: 1, value: 1 })
  t.same([book.pairs, book.unread], [6, 2])
  t.same(resultsOf(book), { ok: 7, failed: 1 })
})

t.test('a request whose answer is ours, or a fallback, has no pair', async (t) => {
  const { post, book } = await startMirrored(t, { live: (req) => req.socket.destroy() })
  t.match(await post(), /^502 /)
  await untilBook(book, ({ results }) => results.ok === 1)
  t.same([book.pairs, book.unread], [0, 0])
})

t.test('answers without a body, encoded ones and streams of events are pairs too', async (t) => {
  const heads: Record<string, Record<string, string>> = {
    '/m/head': { 'content-length': '7' },
    '/m/gzip': { 'content-encoding': 'gzip' },
    '/m/events': { 'content-type': 'text/event-stream' },
  }
  const answer: Answer = (req, res) => {
    res.writeHead(200, heads[req.url!]).end(req.method === 'HEAD' ? '' : 'data: 1')
  }
  const { gateway, book } = await startMirrored(t, { live: answer, shadow: answer })
  const send = (method: string, path: string) =>
    rawExchange(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  t.match(await send('HEAD', '/m/head'), /content-length: 7/i)
  await untilBook(book, ({ pairs }) => pairs === 1)
  for (const [n, path] of ['/m/gzip', '/m/events'].entries()) {
    t.match(await send('GET', path), /data: 1/)
    await untilBook(book, ({ unread }) => unread === n + 1)
  }
  t.same(resultsOf(book), { ok: 3 })
  t.same(book.disagreements, { status: 0, schema: 0, value: 0 })
})

t.test('an answer that is compared and not observed leaves no prediction', async (t) => {
  const answer: Answer = (_req, res) => res.end('{"p":1}')
  const observe = { requestIdHeader: 'x-id', prediction: '/p', sample: 0, ...NO_EVENTS }
  const { gateway, post, book } = await startMirrored(
    t,
    { live: answer, shadow: answer },
    { service: { observe } },
  )
  await post()
  await untilBook(book, ({ pairs }) => pairs === 1)
  await gateway.recorder.ended()
  t.same(gateway.recorder.predictions, [])
})
