import t from 'tap'
import { valuePoints } from '../../src/statistics/value-points.ts'
import { near } from './near.ts'

const momentsOf = (points: ReturnType<typeof valuePoints>) => {
  const of = (power: number) => points.reduce((sum, [y, share]) => sum + share * y ** power, 0)
  return { total: of(0), mean: of(1), variance: of(2) - of(1) ** 2 }
}

t.test('Points have the mean exactly and the variance about, whatever the shape.', async (t) => {
  for (const variance of [0.01, 0.5, 1, 2, 4]) {
    const { total, mean, variance: found } = momentsOf(valuePoints(3, variance * 9, null))
    near(t, total, 1)
    near(t, mean, 3)
    t.ok(Math.abs(found / (variance * 9) - 1) < 0.06, `${found} is about ${variance * 9}`)
  }
})

t.test('A cap keeps the mean and takes from the tail.', async (t) => {
  const points = valuePoints(1, 2, 5)
  near(t, momentsOf(points).mean, 1)
  t.ok(momentsOf(points).variance < 1.8)
})

t.test('Answers that are right or wrong are two points.', async (t) => {
  t.same(valuePoints(0.75, 0.1875, 1), [
    [0, 0.25],
    [1, 0.75],
  ])
})

t.test('Values that are seldom above 0 keep their variance, however seldom.', async (t) => {
  // Exponential for a share of the units, as a total is taken for, and one count for a share of them.
  for (const share of [0.2, 0.05, 0.01, 0.001]) {
    for (const variance of [2 * share - share ** 2, share * (1 - share)]) {
      const { total, mean, variance: found } = momentsOf(valuePoints(share, variance, 6.91))
      near(t, total, 1)
      near(t, mean, share)
      t.ok(Math.abs(found / variance - 1) < 0.03, `${found} is about ${variance}`)
    }
  }
})
