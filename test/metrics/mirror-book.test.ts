import t from 'tap'
import type { MirrorSpec } from '../../src/domain/service.ts'
import { buildMirrorBooks, MirrorBook, type ComparedPair } from '../../src/metrics/mirror-book.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { ManualClock, service } from '../fakes/simulated-service.ts'

const MIRROR: MirrorSpec = { to: 'canary', share: 1, maxBytes: 1, tolerance: 0 }

const pair = (change: Partial<ComparedPair> = {}): ComparedPair => ({
  at: 1,
  requestId: 'r',
  answeredBy: 'baseline',
  result: 'agreed',
  live: 1,
  mirror: 1,
  liveMs: 3,
  mirrorMs: 5,
  ...change,
})

t.test('every pair is in one count, and in the sums of both latencies', (t) => {
  const book = new MirrorBook('canary', '2.0')
  for (const result of ['agreed', 'agreed', 'unread', 'status', 'schema', 'value'] as const)
    book.paired(pair({ result }))
  t.same([book.pairs, book.unread], [5, 1])
  t.same(book.disagreements, { status: 1, schema: 1, value: 1 })
  t.same([book.liveMs, book.mirrorMs], [18, 30])
  t.same(
    book.lastDisagreed.map(({ result }) => result),
    ['status', 'schema', 'value'],
  )
  t.end()
})

t.test('of the pairs that disagreed the last twenty are kept', (t) => {
  const book = new MirrorBook('canary', '2.0')
  for (let n = 0; n < 50; n++) book.paired(pair({ result: 'value', requestId: `r${n}` }))
  t.same(
    book.lastDisagreed.map(({ requestId }) => requestId),
    Array.from({ length: 20 }, (_, n) => `r${n + 30}`),
  )
  t.end()
})

t.test('what left is what ended otherwise than dropped, and what is under way', (t) => {
  const book = new MirrorBook('canary', '2.0')
  for (const result of ['ok', 'failed', 'no_answer', 'cancelled'] as const) book.count(result)
  for (const result of ['dropped_busy', 'dropped_too_large'] as const) book.count(result)
  book.inFlight = 3
  t.equal(book.sent, 7)
  t.end()
})

t.test('a reload goes on with the book of the same version, and begins one of another', (t) => {
  const of = { ...service(null), mirrors: [MIRROR] }
  const first = buildMirrorBooks(of, null)
  t.same([...first.keys()], ['canary'])
  t.equal(buildMirrorBooks(of, first).get('canary'), first.get('canary'))
  const [baseline, canary] = of.variants
  const next = { ...of, variants: [baseline!, { ...canary!, version: '3.0' }] }
  const second = buildMirrorBooks(next, first).get('canary')!
  t.not(second, first.get('canary'))
  t.equal(second.version, '3.0')
  t.same([...buildMirrorBooks({ ...of, mirrors: [] }, first)], [])
  t.end()
})

t.test('latencies that people are shown fade as those of variants do', (t) => {
  const clock = new ManualClock()
  const book = new ServiceBook({
    service: { ...service(null), mirrors: [MIRROR] },
    clock,
    remember: () => {},
    previous: null,
  })
  const mirror = book.mirrors.get('canary')!
  for (let n = 0; n < 10; n++) mirror.took(100)
  const began = clock.monotonic()
  book.fade(began)
  book.fade(began + 600_000)
  t.equal(Number(mirror.latencies.count.toFixed(6)), 5)
  t.equal(mirror.durations.cumulative().count, 10, 'the buckets of Prometheus do not')
  t.end()
})
