import { normalQuantile } from './special.ts'

/** A fresh number in [0, 1). */
export type Draw = () => number

/** Expected events up to which the count is drawn by inversion, so exactly. */
const EXACT_UP_TO = 30

/**
 * How many of `n` independent trials succeed, each with probability `p`. Inversion of the distribution
 * function (Devroye, "Non-Uniform Random Variate Generation", 1986, X.4) while np or n(1 − p) is under 30,
 * else the normal approximation, rounded and kept within [0, n].
 */
export function drawBinomial(draw: Draw, n: number, p: number): number {
  if (p > 0.5) return n - drawBinomial(draw, n, 1 - p)
  if (n * p >= EXACT_UP_TO) {
    const drawn = Math.round(n * p + Math.sqrt(n * p * (1 - p)) * drawNormal(draw))
    return Math.min(n, Math.max(0, drawn))
  }
  const odds = p / (1 - p)
  let probability = (1 - p) ** n
  let rest = draw() - probability
  let count = 0
  while (rest >= 0 && count < n) {
    count += 1
    probability *= ((n + 1) / count - 1) * odds
    rest -= probability
  }
  return count
}

/** A standard normal number. */
export function drawNormal(draw: Draw): number {
  // Half a step of a 32-bit generator: 0 has no quantile.
  return normalQuantile(draw() + 2 ** -33)
}

/** How many of `n` fall into each of the classes whose probabilities are given; they sum to 1. */
export function drawMultinomial(draw: Draw, n: number, probabilities: readonly number[]): number[] {
  let left = n
  let mass = 1
  return probabilities.map((p, index) => {
    const isLast = index === probabilities.length - 1
    const count = isLast ? left : drawBinomial(draw, left, Math.min(1, p / mass))
    left -= count
    mass -= p
    return count
  })
}
