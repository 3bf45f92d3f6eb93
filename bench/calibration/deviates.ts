import { logGamma } from '../../src/statistics/special.ts'
import type { Random } from './random.ts'

/** A standard normal deviate: the polar method of Marsaglia. */
export function normal(random: Random): number {
  for (;;) {
    const u = 2 * random() - 1
    const v = 2 * random() - 1
    const square = u * u + v * v
    if (square < 1 && square > 0) return u * Math.sqrt((-2 * Math.log(square)) / square)
  }
}

/**
 * How many of `n` independent trials of probability `p` succeed. By inversion, walking outward from the
 * most probable number: exact to a double's precision, in a time that grows with √(np).
 */
export function binomial(random: Random, n: number, p: number): number {
  if (n === 0 || p <= 0) return 0
  if (p >= 1) return n
  const mode = Math.min(n, Math.floor((n + 1) * p))
  const odds = p / (1 - p)
  const atMode = Math.exp(
    logGamma(n + 1) -
      logGamma(mode + 1) -
      logGamma(n - mode + 1) +
      mode * Math.log(p) +
      (n - mode) * Math.log1p(-p),
  )
  let left = random() - atMode
  let [below, above] = [mode, mode]
  let [chanceBelow, chanceAbove] = [atMode, atMode]
  while (left > 0 && (below > 0 || above < n)) {
    if (above < n) {
      chanceAbove *= ((n - above) / (above + 1)) * odds
      above += 1
      left -= chanceAbove
      if (left <= 0) return above
    }
    if (below > 0) {
      chanceBelow *= below / ((n - below + 1) * odds)
      below -= 1
      left -= chanceBelow
      if (left <= 0) return below
    }
    // What is left is less than rounding errors have lost.
    if (chanceAbove < 1e-18 && chanceBelow < 1e-18) break
  }
  return mode
}

/** A gamma deviate of the given shape > 0 and scale 1 (Marsaglia and Tsang, ACM TOMS 26, 2000). */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random() ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const z = normal(random)
    const v = (1 + c * z) ** 3
    if (v > 0 && Math.log(random()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v
  }
}

/** A beta deviate, both shapes > 0. */
export function beta(random: Random, a: number, b: number): number {
  const x = gamma(random, a)
  return x / (x + gamma(random, b))
}
