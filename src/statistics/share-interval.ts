import { normalQuantile } from './special.ts'

/**
 * A confidence interval for the probability behind `hits` of `n` independent trials, of level 1 − `alpha`
 * (two-sided). Wilson's score interval (JASA 1927): centre and half-width of
 * |p̂ − p| ≤ z·√(p(1 − p)/n) solved for p. [0, 1] where n is 0.
 */
export function shareInterval(
  hits: number,
  n: number,
  alpha: number,
): readonly [lower: number, upper: number] {
  if (n === 0) return [0, 1]
  const z = normalQuantile(1 - alpha / 2)
  const share = hits / n
  const scale = 1 + z ** 2 / n
  const centre = (share + z ** 2 / (2 * n)) / scale
  const half = (z * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2))) / scale
  // At the ends the two are equal; only rounding would leave a remainder.
  return [hits === 0 ? 0 : centre - half, hits === n ? 1 : centre + half]
}
