import t from 'tap'
import type { AssignmentReason } from '../../src/domain/assignment.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import { NO_QUESTIONS } from '../../src/metrics/book-questions.ts'
import { readRequestCode, requestCode } from '../../src/metrics/request-code.ts'
import { RuleFigures } from '../../src/metrics/rule-book.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'
import { bookRequest } from '../support/book-request.ts'

const OUTCOMES: readonly Outcome[] = ['ok', 'failed', 'client_closed', 'rejected', 'no_answer']
const REASONS: readonly AssignmentReason[] = ['override', 'rule', 'key', 'random']
const NOW = 1_800_000_000_000
const TO_FIRST = { until: 'first-byte' } as const

/** A book with so many requests of every kind in it; `read` is called after each of them. */
function bookOf(requests: number, read: (book: VariantBook) => void) {
  const book = new VariantBook('canary', '2.0')
  const ruled = new RuleFigures(7, '2.0')
  const asked = (...segments: string[]) => ({ segments, limitsMs: [] })
  book.ask({ failuresByKey: false, lastByte: asked('gold'), firstByte: asked('lead') })
  for (let n = 0; n < requests; n++) {
    const reason = REASONS[n % 4]!
    if (n % 3 > 0) book.head(n / 7)
    bookRequest(book, {
      outcome: OUTCOMES[n % 5]!,
      status: [200, 404, 500, 0][n % 7] ?? 204,
      reason,
      side: n % 4 < 2 ? null : 1,
      unit: n % 4 < 2 ? null : 2 ** 52 - n * 77,
      segment: [null, 'gold', 'other'][n % 3]!,
      ruled: n % 5 === 0 ? null : ruled,
      durationMs: n * 1.7,
      firstByteMs: n % 6 === 0 ? null : n * 0.9,
      upstreamMs: n % 11 === 0 ? null : n * 1.1,
      at: NOW + n * 300,
    })
    read(book)
  }
  return { book, ruled }
}

function figuresOf({ book, ruled }: ReturnType<typeof bookOf>, requests: number) {
  const now = NOW + requests * 300
  return {
    counts: [book.requests, book.errors, book.rejected],
    times: [book.durations, book.firstBytes, book.overheads].map((each) => each.cumulative()),
    attempts: [3000, 10_000, 60_000].map((ms) => book.attempts.within(now, ms)),
    drawn: [{}, TO_FIRST].map((until) =>
      [undefined, 'gold', 'lead'].map((segment) => book.drawnOf(until, segment).toJSON()),
    ),
    steps: [book.step, book.drawnInStep].map((step) => [
      step.requests,
      step.failures,
      step.clientErrors,
      ...[{}, TO_FIRST].map((until) => step.timesOf(until).all.toJSON()),
    ]),
    series: [...book.requestSeries()],
    causes: [[...book.faults], [...book.clientErrors]],
    ruled: [ruled.requests, ruled.errors, ruled.durations.cumulative(), ruled.latencies.toJSON()],
  }
}

t.test('it makes no difference when what has ended is read', (t) => {
  for (const requests of [0, 1, 31, 32, 33, 64, 100]) {
    const seldom = bookOf(requests, () => {})
    const always = bookOf(requests, (book) => book.post())
    t.same(figuresOf(seldom, requests), figuresOf(always, requests), `${requests} requests`)
    t.equal(seldom.book.requests, requests)
  }
  t.end()
})

t.test('heads fill a journal too, where answers go on for long', (t) => {
  const book = new VariantBook('canary', '2.0')
  for (let n = 0; n < 100; n++) book.head(3)
  t.equal(book.firstBytes.cumulative().count, 100)
  t.end()
})

t.test('what is changed for later requests leaves those that have ended where they belong', (t) => {
  const book = new VariantBook('canary', '2.0')
  bookRequest(book, { outcome: 'failed', status: 500 })
  book.beginStep()
  t.same([book.step.requests, book.lastStep?.failures], [0, 1])
  bookRequest(book)
  book.fadeDrawn(0)
  t.equal(book.drawn.count, 0)
  bookRequest(book)
  book.beginAttempt()
  t.equal(book.attempts.since, null)
  bookRequest(book, { segment: 'gold' })
  book.ask({ ...NO_QUESTIONS, lastByte: { segments: ['gold'], limitsMs: [] } })
  t.equal(book.drawnOf({}, 'gold').count, 0)
  t.equal(book.drawn.count, 2)
  t.end()
})

t.test('every end of a request has a number of its own', (t) => {
  const codes = new Set<number>()
  for (const outcome of OUTCOMES) {
    for (const reason of REASONS) {
      for (const status of [0, 99, 200, 599, 999]) {
        const code = requestCode({ outcome, status, reason })
        codes.add(code)
        t.same(readRequestCode(code), { outcome, status, reason })
      }
    }
  }
  t.equal(codes.size, OUTCOMES.length * REASONS.length * 5)
  t.end()
})
