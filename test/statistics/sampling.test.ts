import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { drawBinomial, drawMultinomial, drawNormal } from '../../src/statistics/sampling.ts'
import { shareInterval } from '../../src/statistics/share-interval.ts'
import { near } from './near.ts'

function moments(values: readonly number[]) {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length
  return { mean, variance }
}

t.test('Counts have the mean and the variance of a binomial distribution.', async (t) => {
  const random = createRandom(1)
  for (const [n, p] of [
    [20, 0.1],
    [500, 0.02],
    [40, 0.9],
    [2000, 0.3],
  ] as const) {
    const { mean, variance } = moments(
      Array.from({ length: 20_000 }, () => drawBinomial(random, n, p)),
    )
    const expected = n * p * (1 - p)
    // Five standard errors of a mean of 20,000, and of a variance.
    t.ok(Math.abs(mean - n * p) < 5 * Math.sqrt(expected / 20_000), `${n} ${p}: ${mean}`)
    t.ok(Math.abs(variance / expected - 1) < 0.05, `${n} ${p}: ${variance}`)
  }
})

t.test('Small counts have the probabilities of a binomial distribution.', async (t) => {
  const random = createRandom(2)
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 40_000; i++) counts[drawBinomial(random, 3, 0.25)]!++
  for (const [k, probability] of [27, 27, 9, 1].entries()) {
    t.ok(Math.abs(counts[k]! / 40_000 - probability / 64) < 0.012, `${k}: ${counts[k]}`)
  }
})

t.test('What is impossible or certain is never drawn otherwise.', async (t) => {
  const random = createRandom(3)
  t.equal(drawBinomial(random, 1000, 0), 0)
  t.equal(drawBinomial(random, 1000, 1), 1000)
  t.equal(drawBinomial(random, 0, 0.5), 0)
  // The last digits of the sum of probabilities can fall short of a draw just below 1.
  t.equal(
    drawBinomial(() => 1 - 2 ** -53, 2, 0.5),
    2,
  )
})

t.test('A generator that gives 0 still gives a number.', async (t) => {
  t.ok(Number.isFinite(drawNormal(() => 0)))
})

t.test('Classes share out everything, in their proportion.', async (t) => {
  const random = createRandom(4)
  const counts = drawMultinomial(random, 100_000, [0.5, 0.3, 0.15, 0.05])
  t.equal(
    counts.reduce((sum, c) => sum + c, 0),
    100_000,
  )
  for (const [index, share] of [0.5, 0.3, 0.15, 0.05].entries()) {
    t.ok(Math.abs(counts[index]! / 100_000 - share) < 0.01)
  }
})

t.test('The interval of a share is that of Wilson.', async (t) => {
  const [lower, upper] = shareInterval(10, 100, 0.05)
  near(t, lower, 0.05522914, 1e-6)
  near(t, upper, 0.17436566, 1e-6)
  t.strictSame(shareInterval(0, 0, 0.05), [0, 1])
  t.equal(shareInterval(0, 50, 0.05)[0], 0)
})
