/**
 * Whether a share of `units` is so much above `usual` (0 < usual < 1, or 0) that chance gives it at most with probability
 * e^`logChance`, by the bound P(share ≥ q) ≤ exp(−n·KL(q ‖ p)) (Hoeffding, "Probability inequalities for sums of bounded
 * random variables", JASA 1963, theorem 1). It holds of weighted units too, with their weights' sum for n, where none weighs
 * more than 1 and no weight depends on an outcome: ln(1 − p + p·e^(λw)) is convex in w, so at most w times its value at 1.
 */
export function isBeyondChance(
  units: number,
  share: number,
  usual: number,
  logChance: number,
): boolean {
  return share > usual && -units * divergence(share, usual) <= logChance
}

/**
 * The same of a mean of values that may be any numbers and lies so far `beyond` what is usual (0 and less: it does not), by
 * the bound of a normal distribution, P ≤ exp(−n·beyond²/(2·variance)) (Chernoff), which means of many values come near to.
 */
export function isMeanBeyondChance(
  n: number,
  beyond: number,
  variance: number,
  logChance: number,
): boolean {
  return beyond > 0 && -n * beyond ** 2 <= 2 * variance * logChance
}

/** Kullback–Leibler divergence of two Bernoulli distributions, q from p, in nats; 0 < q ≤ 1, 0 ≤ p < 1. */
export function divergence(q: number, p: number): number {
  const ofOthers = q === 1 ? 0 : (1 - q) * Math.log((1 - q) / (1 - p))
  return q * Math.log(q / p) + ofOthers
}
