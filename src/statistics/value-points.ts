/** Values with their probabilities, which sum to 1. */
export type ValuePoints = readonly (readonly [value: number, share: number])[]

const POINTS = 120

/** Shapes of gamma distributions below which most values are next to nothing, so that few points have all that counts. */
const SPARSE = 0.5

/** Values further than this many standard deviations above the mean are left out. */
const REACH = 9

/**
 * A distribution on [0, `cap`] with this mean (above 0) and about this variance (above 0), as points:
 * the gamma distribution, which is what squared errors have where errors are normal, capped; or the two
 * ends of the range where no other distribution has so much variance (answers that are right or wrong); or, where it would
 * have nearly all at 0 (totals of units that seldom buy, rare counts), zeros beside exponential values.
 * How a bet grows depends on the tail too: of two moments alone, large bets would seem twice as good.
 */
export function valuePoints(mean: number, variance: number, cap: number | null): ValuePoints {
  if (cap !== null && variance >= 0.999 * mean * (cap - mean)) {
    return [
      [0, 1 - mean / cap],
      [cap, mean / cap],
    ]
  }
  const shape = mean ** 2 / variance
  if (shape < SPARSE) {
    const size = (variance + mean ** 2) / (2 * mean)
    const share = mean / size
    const some = valuePoints(size, size ** 2, cap)
    return [[0, 1 - share], ...some.map(([value, of]) => [value, share * of] as const)]
  }
  // The density y^(k−1)·e^(−y/θ) has a pole at 0 where k < 1: in s = y^k it is e^(−y/θ) alone.
  const power = Math.min(1, shape)
  const deviation = Math.sqrt(variance)
  const least = Math.max(0, mean - REACH * deviation) ** power
  const width = (mean + REACH * deviation) ** power - least
  const raw = Array.from({ length: POINTS }, (_, index) => {
    const value = (least + ((index + 0.5) / POINTS) * width) ** (1 / power)
    const relative = value / mean
    // Scaled to 1 at the mean, so that nothing overflows.
    const log = (shape - power) * Math.log(relative) - shape * (relative - 1)
    return [Math.min(value, cap ?? Infinity), Math.exp(log)] as const
  })
  const total = raw.reduce((sum, [, share]) => sum + share, 0)
  const found = raw.reduce((sum, [value, share]) => sum + value * share, 0) / total
  // The drift of a bet is a small difference of means: the points must have the mean exactly.
  return raw.map(([value, share]) => [(value * mean) / found, share / total] as const)
}
