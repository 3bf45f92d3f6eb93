import t from 'tap'
import { StepFigures } from '../../src/metrics/step-figures.ts'
import { latencyBucket } from '../../src/statistics/histogram.ts'

function add(figures: StepFigures, requests: number, failures: number): void {
  for (let n = 0; n < requests; n++) figures.add(n < failures ? 'failed' : 'good', null)
}

t.test(
  'of little traffic half of a request is gone 500 requests later, however long it takes',
  async (t) => {
    const figures = new StepFigures()
    add(figures, 500, 100)
    figures.fade(0)
    t.same(figures.recent, { requests: 500, failures: 100 })
    add(figures, 500, 0)
    figures.fade(3_600_000)
    t.same(figures.recent, { requests: 250, failures: 25 })
    figures.fade(3_600_000)
    t.same(figures.recent, { requests: 250, failures: 25 }, 'without traffic nothing fades')
    add(figures, 10, 10)
    t.same(figures.recent, { requests: 260, failures: 35 }, 'a new one counts at once')
    t.match(figures, { requests: 1010, failures: 110 }, 'the step has them all')
  },
)

t.test(
  'traffic in bursts fades between them, and no burst fades at once after a silence',
  async (t) => {
    const figures = new StepFigures()
    add(figures, 500, 500)
    figures.fade(0)
    figures.fade(5000)
    t.equal(figures.recent.requests, 500 * 0.5 ** 0.5)
    figures.fade(5000)
    t.equal(Math.round(figures.recent.requests), 250)
    figures.fade(3_600_000)
    add(figures, 100_000, 0)
    figures.fade(0)
    t.equal(figures.recent.requests, 100_250 / 2)
  },
)

t.test('latencies fade alike, once they were asked for', async (t) => {
  const figures = new StepFigures()
  const quick = (requests: number) => {
    for (let n = 0; n < requests; n++) figures.add('good', latencyBucket(20))
  }
  for (let n = 0; n < 100; n++) figures.add('failed', latencyBucket(900))
  t.equal(figures.timesOf({}).recent.count, 100, 'all that is known of the step')
  quick(400)
  figures.fade(0)
  quick(500)
  figures.fade(3_600_000)
  t.equal(figures.timesOf({}).recent.count, 250)
  t.equal(figures.timesOf({}).recent.shareAbove(500), 0.1)
  quick(500)
  t.equal(figures.timesOf({}).recent.shareAbove(500), 25 / 750, 'a new one counts at once')
  t.equal(figures.timesOf({}).all.count, 1500, 'the step has them all')
})

t.test('of much traffic it is gone ten seconds later', async (t) => {
  const figures = new StepFigures()
  add(figures, 4000, 1000)
  figures.fade(0)
  for (let second = 0; second < 10; second++) {
    add(figures, 4000, 0)
    figures.fade(1000)
  }
  t.ok(Math.abs(figures.recent.failures - 500) < 1e-6, `${figures.recent.failures}`)
})

t.test('requests with a key are counted by its place too, and fade with the others', async (t) => {
  const figures = new StepFigures(true, [500])
  t.same(figures.failed, [])
  figures.timeFirstBytes([500])
  figures.add('failed', null, null, 3)
  figures.add('good', latencyBucket(900), latencyBucket(20), 3)
  figures.add('good', latencyBucket(20), latencyBucket(10), 63)
  figures.add('failed', latencyBucket(20))
  t.same(figures.failed, [
    [3, 2, 1],
    [63, 1, 0],
  ])
  t.same(figures.timesOf({}).slow(500), [
    [3, 1, 1],
    [63, 1, 0],
  ])
  t.same(figures.timesOf({ until: 'first-byte' }).slow(500), [
    [3, 1, 0],
    [63, 1, 0],
  ])
  t.same(figures.timesOf({}).slow(400), [], 'a limit that is not watched')
  for (let n = 0; n < 496; n++) figures.add('good', null)
  figures.fade(0)
  t.equal(figures.recent.requests, 500)
  t.same(figures.recentFailed, figures.failed)
  for (let n = 0; n < 500; n++) figures.add('good', null)
  figures.fade(3_600_000)
  t.same(figures.recentFailed, [
    [3, 0.5, 0.25],
    [63, 0.25, 0],
  ])
  t.same(figures.timesOf({}).recentSlow(500)[0], [3, 0.25, 0.25])
  t.same(figures.failed[0], [3, 2, 1], 'the step has them all')
})

t.test('no place is kept of failures where nobody asks', async (t) => {
  const figures = new StepFigures()
  figures.add('failed', latencyBucket(900), null, 3)
  t.same([figures.failed, figures.recentFailed], [[], []])
})
