import t from 'tap'
import { AttemptWindow } from '../../src/metrics/attempt-window.ts'
import { CapLearner } from '../../src/metrics/cap-learner.ts'
import { DurationBuckets } from '../../src/metrics/duration-buckets.ts'
import type { AttemptEnd } from '../../src/metrics/request-code.ts'
import { UnitIndex } from '../../src/metrics/unit-index.ts'

const NOW = 1_800_000_000_000
/** How the one attempt of each key ends, where not well. */
const KEY_ENDS: Readonly<Record<number, AttemptEnd>> = { 3: 'failed', 4: 'left', 5: 'left' }

t.test('a window counts what happened in the span asked for', (t) => {
  const window = new AttemptWindow()
  for (let second = 0; second < 20; second++) {
    window.add(NOW + second * 1000, second % 2 === 0 ? 'failed' : 'good')
    window.add(NOW + second * 1000, second % 5 === 0 ? 'client_error' : 'good')
  }
  t.equal(window.since, NOW)
  t.equal(new AttemptWindow().since, null)
  t.match(window.within(NOW + 19_000, 10_000), {
    attempts: 20,
    failures: 5,
    clientErrors: 2,
    spanMs: 10_000,
  })
  t.match(window.covering(NOW + 19_000, 6, 1000), {
    attempts: 6,
    failures: 1,
    clientErrors: 0,
    spanMs: 3000,
  })
  t.match(window.covering(NOW + 19_000, 6, 10_000), {
    attempts: 20,
    failures: 5,
    clientErrors: 2,
    spanMs: 10_000,
  })
  t.end()
})

t.test('a window knows of how many keys its attempts are, up to 32', (t) => {
  const window = new AttemptWindow()
  for (let n = 0; n < 40; n++) window.add(NOW, 'client_error', 7)
  for (let key = 0; key < 10; key++) window.add(NOW + 1000, KEY_ENDS[key] ?? 'good', key)
  const keys = { seen: 10, failed: 1, unserved: 2, unanswered: 3 }
  t.same(window.within(NOW + 1000, 2000).keys, keys)
  t.same(window.within(NOW + 1000, 1000).keys, { ...keys, unserved: 1 })
  for (let n = 0; n < 100; n++) window.add(NOW + 2000, 'failed')
  const all = { seen: 32, failed: 32, unserved: 32, unanswered: 32 }
  t.same(window.within(NOW + 2000, 1000).keys, all, 'without a key each is of its own')
  t.end()
})

t.test('a window knows how many attempts began in the span, with those under way', (t) => {
  const window = new AttemptWindow()
  window.begun = 2 ** 32 - 30
  t.equal(window.within(NOW, 10_000).begun, 0, 'before it nobody knows')
  for (let second = 1; second <= 20; second++) {
    t.ok(
      window.within(NOW + second * 1000, 1000).begun === 0,
      'none in a second that has just begun',
    )
    window.begun += 3
    window.add(NOW + second * 1000, 'failed')
  }
  t.match(window.within(NOW + 20_000, 1000), { attempts: 1, begun: 3 })
  t.match(window.within(NOW + 20_000, 10_000), { attempts: 10, begun: 30 })
  t.match(window.covering(NOW + 20_000, 5, 1000), { attempts: 5, begun: 15 })
  t.match(window.covering(NOW + 20_000, 50, 1000), { attempts: 20, begun: 60, spanMs: 600_000 })
  t.match(window.within(NOW + 700_000, 10_000), { attempts: 0, begun: 0 }, 'they are long over')
  t.end()
})

t.test('a window that never saw enough gives all of its ten minutes', (t) => {
  const window = new AttemptWindow()
  window.add(NOW, 'failed')
  t.match(window.covering(NOW + 1000, 50, 10_000), {
    attempts: 1,
    failures: 1,
    clientErrors: 0,
    spanMs: 600_000,
  })
  t.end()
})

t.test('what is older than ten minutes is forgotten, a bucket that is used again is empty', (t) => {
  const window = new AttemptWindow()
  window.add(NOW, 'failed')
  t.equal(window.within(NOW + 599_000, 600_000).attempts, 1)
  t.equal(window.within(NOW + 600_000, 600_000).attempts, 0)
  window.add(NOW + 600_000, 'good')
  t.match(window.within(NOW + 600_000, 1000), {
    attempts: 1,
    failures: 0,
    clientErrors: 0,
    spanMs: 1000,
  })
  t.equal(window.within(NOW + 10_000_000, 600_000).attempts, 0, 'a gap longer than the window')
  t.end()
})

t.test('a clock that goes back books into the newest second, and loses nothing', (t) => {
  const window = new AttemptWindow()
  window.add(NOW, 'good')
  window.add(NOW - 5000, 'failed')
  t.match(window.within(NOW, 1000), { attempts: 2, failures: 1, clientErrors: 0, spanMs: 1000 })
  t.end()
})

t.test(
  'durations fall into the bucket whose bound they do not exceed, and counts are cumulative',
  (t) => {
    const buckets = new DurationBuckets()
    for (const ms of [0, 1, 1.01, 60_000, 60_001]) buckets.add(ms)
    const { buckets: counts, count, sumSeconds } = buckets.cumulative()
    const at = (le: string) => counts.find((b) => b.le === le)!.count
    t.same([at('0.001'), at('0.0025'), at('30'), at('60'), at('+Inf')], [2, 3, 3, 4, 5])
    t.equal(count, 5)
    t.ok(Math.abs(sumSeconds - 120.00301) < 1e-9)
    t.equal(counts.at(-1)!.le, '+Inf')
    t.end()
  },
)

t.test(
  'a cap is the 99.9 % quantile of the first thousand errors, or of as many as are needed',
  (t) => {
    const learner = new CapLearner()
    t.equal(learner.take('rmse', 10), null)
    for (let i = 1; i < 1000; i++) learner.add('rmse', i)
    t.equal(learner.take('rmse', 10), null)
    learner.add('rmse', 1000)
    t.equal(learner.take('rmse', 1001), null, 'a metric that needs more labels learns from more')
    t.equal(learner.take('rmse', 10), 999)
    t.equal(learner.take('other', 10), null)
    t.equal(learner.take('rmse', 10), null, 'once')
    t.end()
  },
)

t.test('a key is claimed once; a full index takes no further keys and says how often', (t) => {
  const index = new UnitIndex(2)
  t.same(
    [index.claim(7), index.claim(7), index.claim(8), index.claim(9), index.claim(9)],
    [true, false, true, null, null],
  )
  t.same([index.size, index.refused], [2, 2])
  t.same([index.knows(8), index.knows(9)], [true, false])
  t.end()
})

t.test('an event counts from the first start point since which it is the first of its key', (t) => {
  const index = new UnitIndex(10)
  t.same(index.harmSince('errors', 0, [[1], [2]]), [[0], [0]])
  t.same(
    index.harmSince('errors', 0, [[1], [3]]),
    [[], [0]],
    'a second one in the same epoch adds nothing',
  )
  t.same(index.harmSince('errors', 2, [[1], [2, 2]]), [[1], [1]], 'and twice in one cohort neither')
  t.same(index.harmSince('errors', 1, [[4], [1]]), [[0], []], 'an epoch before its last event')
  t.same(index.harmSince('latency', 2, [[1], []]), [[0], []], 'each hypothesis has its own history')
  t.end()
})

t.test('keys that were stored are known again, with their last events', (t) => {
  const index = new UnitIndex(10)
  index.restore({ epoch: 0, seen: [1, 2], events: { errors: [1] } })
  index.restore({ epoch: 1, seen: [3], events: { errors: [2] } })
  t.same([index.size, index.claim(1)], [3, false])
  t.same(index.harmSince('errors', 1, [[1], [2, 3]]), [[1], [0]])
  t.end()
})
