import { logGamma } from '../../src/statistics/special.ts'

/**
 * The 95 % interval of a probability of which `hits` of `trials` were seen: exact, at least 95 % whatever
 * the probability is (Clopper and Pearson, Biometrika 26, 1934).
 */
export function clopperPearson(
  hits: number,
  trials: number,
): { readonly lower: number; readonly upper: number } {
  return {
    lower: hits === 0 ? 0 : solve((p) => atLeast(hits, trials, p) < 0.025),
    upper: hits === trials ? 1 : solve((p) => 1 - atLeast(hits + 1, trials, p) > 0.025),
  }
}

/** P(X ≥ `hits`) of a binomial X. */
function atLeast(hits: number, trials: number, p: number): number {
  let sum = 0
  for (let k = hits; k <= trials; k += 1) {
    sum += Math.exp(
      logGamma(trials + 1) -
        logGamma(k + 1) -
        logGamma(trials - k + 1) +
        k * Math.log(p) +
        (trials - k) * Math.log1p(-p),
    )
  }
  return sum
}

/** The p in (0, 1) up to which a condition holds. */
function solve(holds: (p: number) => boolean): number {
  let [low, high] = [0, 1]
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (holds(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}
