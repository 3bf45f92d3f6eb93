import t from 'tap'
import { logGamma, normalCdf, normalQuantile } from '../../src/statistics/special.ts'
import { near } from './near.ts'

t.test('The log-gamma function agrees with values computed to 40 digits.', async (t) => {
  for (const [x, expected] of [
    [1e-5, 11.512919692895825707],
    [0.1, 2.2527126517342059599],
    [0.5, 0.57236494292470008707],
    [1, 0],
    [1.5, -0.12078223763524522235],
    [2, 0],
    [3.7, 1.4280723266653879219],
    [9.999, 12.799575780077412467],
    [10, 12.801827480081469611],
    [100.5, 361.43554046777762156],
    [12345.678, 103959.91990554606092],
    [1e9, 19723265827.503716771],
  ] as const)
    near(t, logGamma(x), expected, 2e-15 * Math.max(1, Math.abs(expected)))
})

t.test(
  'The normal distribution function keeps its relative precision in both tails.',
  async (t) => {
    for (const [z, expected] of [
      [-20, 2.7536241186062336951e-89],
      [-8, 6.2209605742717841235e-16],
      [-6, 9.865876450376981407e-10],
      [-3, 0.0013498980316300945267],
      [-2.999, 0.0013543365337271061616],
      [-1, 0.15865525393145705141],
      [-0.1, 0.46017216272297101633],
      [0, 0.5],
      [0.5, 0.69146246127401310364],
      [2.5, 0.99379033467422386483],
      [3, 0.99865010196836990547],
      [5, 0.99999971334842812081],
    ] as const)
      near(t, normalCdf(z), expected, 2e-13 * expected)
  },
)

t.test(
  'The normal quantile has the values published with AS 241 and those of 40 digits.',
  async (t) => {
    for (const [p, expected] of [
      [1e-300, -37.047096299361199237],
      [1e-20, -9.2623400897984075737],
      [1e-10, -6.3613409024040562047],
      [0.001, -3.0902323061678135415],
      [0.01, -2.3263478740408411009],
      [0.025, -1.9599639845400542355],
      [0.075, -1.4395314709384559153],
      [0.25, -0.6744897501960817432],
      [0.5, 0],
      [0.6, 0.2533471031357997988],
      [0.8, 0.84162123357291420518],
      [0.925, 1.4395314709384559153],
      [0.975, 1.9599639845400542355],
      [0.999, 3.0902323061678135415],
    ] as const)
      near(t, normalQuantile(p), expected, 2e-15 * Math.max(0.5, Math.abs(expected)))
    t.equal(normalQuantile(0), -Infinity)
    t.equal(normalQuantile(1), Infinity)
  },
)

t.test('Powers and sample sizes published by R and statsmodels come out.', async (t) => {
  // power.prop.test(n = 50, p1 = .50, p2 = .75), and the n for power = .90.
  const [p1, p2] = [0.5, 0.75]
  const pooled = ((p1 + p2) / 2) * (1 - (p1 + p2) / 2)
  const apart = p1 * (1 - p1) + p2 * (1 - p2)
  const z = normalQuantile(0.975) * Math.sqrt(2 * pooled)
  near(t, normalCdf((Math.sqrt(50) * (p2 - p1) - z) / Math.sqrt(apart)), 0.7401659, 5e-8)
  const n = ((z + normalQuantile(0.9) * Math.sqrt(apart)) / (p2 - p1)) ** 2
  near(t, n, 76.70692846, 1e-5)
  // NormalIndPower(d = .3, n = 80, α = .05), both tails.
  const shift = 0.3 * Math.sqrt(80 / 2)
  const power = normalCdf(shift - normalQuantile(0.975)) + normalCdf(-shift - normalQuantile(0.975))
  near(t, power, 0.475100870572638, 1e-12)
})
