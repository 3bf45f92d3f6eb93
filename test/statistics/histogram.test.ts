import t from 'tap'
import { LogHistogram } from '../../src/statistics/histogram.ts'
import { near } from './near.ts'

t.test('A quantile is at most 2 % above the true one, and never below it.', async (t) => {
  const histogram = filled(Array.from({ length: 1000 }, (_, index) => index + 1))
  t.equal(histogram.count, 1000)
  for (const q of [0.001, 0.5, 0.95, 0.99, 1]) {
    const quantile = histogram.quantile(q)!
    t.ok(quantile >= 1000 * q && quantile <= 1020 * q, `${q}: ${quantile}`)
  }
})

t.test('An empty histogram has no quantile.', async (t) => {
  t.equal(new LogHistogram().quantile(0.5), null)
  t.equal(new LogHistogram().count, 0)
})

t.test('Values out of range count at its ends.', async (t) => {
  near(t, filled([0, 0.0001, 0.001]).quantile(1)!, 0.001, 1e-15)
  const hour = 3_600_000
  const most = filled([1e12]).quantile(0.5)!
  t.ok(most >= hour && most < hour * 1.02)
  t.ok(filled([hour]).quantile(1)! >= hour)
  t.equal(filled([Infinity]).quantile(1), most)
})

t.test('What is not a latency is refused.', async (t) => {
  const histogram = new LogHistogram()
  t.throws(() => histogram.add(NaN), {
    name: 'RangeError',
    message: 'a latency is a number from 0 on, found NaN',
  })
  t.throws(() => histogram.add(-1), { name: 'RangeError' })
  t.equal(histogram.count, 0)
})

t.test('Merged histograms are the histogram of everything.', async (t) => {
  const merged = filled([1, 5, 5, 90])
  merged.merge(filled([0.2, 5, 1e9]))
  t.same(merged.toJSON(), filled([1, 5, 5, 90, 0.2, 5, 1e9]).toJSON())
})

t.test('Decay lets newer values outweigh older ones.', async (t) => {
  const histogram = filled(Array.from({ length: 100 }, () => 10))
  histogram.scale(0.25)
  near(t, histogram.count, 25)
  for (let index = 0; index < 30; index += 1) histogram.add(100)
  t.ok(histogram.quantile(0.5)! >= 100)
})

t.test('Years of decay lose nothing but weight.', async (t) => {
  const histogram = filled([10, 10, 1000])
  for (let year = 0; year < 100; year += 1) histogram.scale(1e-9)
  t.ok(histogram.count < 1e-300)
  for (let index = 0; index < 9; index += 1) histogram.add(100)
  near(t, histogram.count, 9)
  t.ok(histogram.quantile(0.1)! >= 100)
  t.ok(histogram.quantile(1)! < 103)
  t.match(histogram.toJSON().at(-1)![1], 9)
  histogram.scale(0)
  t.equal(histogram.count, 0)
  t.equal(histogram.quantile(0.5), null)
})

t.test('Histograms of different decay merge by what they weigh now.', async (t) => {
  const old = filled([1, 1, 1, 1])
  old.scale(0.25)
  const merged = filled([100, 100])
  merged.merge(old)
  near(t, merged.count, 3)
  t.ok(merged.quantile(0.3)! <= 1.02)
  t.ok(merged.quantile(0.4)! >= 100)
  old.merge(filled([5, 5]))
  near(t, old.count, 3)
})

t.test('A histogram begins anew after a reset.', async (t) => {
  const histogram = filled([1, 2, 3])
  histogram.reset()
  t.equal(histogram.quantile(0.5), null)
})

t.test('A stored histogram is restored as it was, through JSON.', async (t) => {
  const histogram = filled([0, 1, 1, 250, 1e9])
  histogram.scale(0.3)
  const restored = LogHistogram.from(JSON.parse(JSON.stringify(histogram)))
  t.same(restored.toJSON(), histogram.toJSON())
  t.equal(restored.quantile(0.5), histogram.quantile(0.5))
  t.throws(() => LogHistogram.from([[5000, 1]]), {
    name: 'RangeError',
    message: 'no histogram bucket 5000',
  })
})

function filled(values: readonly number[]): LogHistogram {
  const histogram = new LogHistogram()
  for (const value of values) histogram.add(value)
  return histogram
}

t.test('what was added since a copy is known, and a copy goes its own way', (t) => {
  const histogram = new LogHistogram()
  for (const ms of [1, 1, 10]) histogram.add(ms)
  const copy = histogram.copy()
  for (const ms of [10, 100]) histogram.add(ms)
  t.equal(copy.count, 3)
  const since = histogram.since(copy)
  t.equal(since.count, 2)
  const later = new LogHistogram()
  for (const ms of [10, 100]) later.add(ms)
  t.same(since.toJSON(), later.toJSON())
  t.equal(histogram.since(histogram.copy()).quantile(0.5), null)
  t.end()
})

t.test('The share above a value is that of the buckets above its own.', async (t) => {
  const histogram = new LogHistogram()
  t.equal(histogram.shareAbove(10), 0)
  for (const ms of [1, 10, 100, 1000]) histogram.add(ms)
  histogram.scale(0.5)
  t.equal(histogram.shareAbove(0), 1)
  t.equal(histogram.shareAbove(10), 0.5)
  t.equal(histogram.shareAbove(11), 0.5)
  t.equal(histogram.shareAbove(5000), 0)
})
