import { normalQuantile } from '../../src/statistics/special.ts'
import { findRoot } from './brent.ts'

/** The absolute precision of Kayenta's root finder. */
const TOLERANCE = 1e-4

/** How far the experiment's values lie above the control's, as an interval and an estimate. */
export type Shift = { readonly lower: number; readonly upper: number; readonly estimate: number }

/**
 * The interval that Kayenta's judge reads: the shifts μ for which the Mann–Whitney test does not tell
 * `experiment` − μ from `control`, with average ranks of ties, a correction for them and one for
 * continuity. The estimate is that of Hodges and Lehmann. As R's `wilcox.test` with `exact = FALSE`.
 */
export function mannWhitneyShift(
  experiment: readonly number[],
  control: readonly number[],
  confidence: number,
): Shift {
  const lowest = Math.min(...experiment) - Math.max(...control)
  const highest = Math.max(...experiment) - Math.min(...control)
  const z = normalQuantile((1 - confidence) / 2)
  const root = (quantile: number) =>
    findRoot(
      (shift) => shiftScore(experiment, control, shift, quantile),
      lowest,
      highest,
      TOLERANCE,
    )
  const bound = (quantile: number) => {
    if (shiftScore(experiment, control, lowest, quantile) <= 0) return lowest
    if (shiftScore(experiment, control, highest, quantile) >= 0) return highest
    return root(quantile)
  }
  return { lower: bound(-z), upper: bound(z), estimate: root(0) }
}

/** The standardised rank sum of `experiment` − `shift` against `control`, less `quantile`; falls with the shift. */
export function shiftScore(
  experiment: readonly number[],
  control: readonly number[],
  shift: number,
  quantile: number,
): number {
  const [m, n] = [experiment.length, control.length]
  const { rankSum, tieTerm } = rankTogether(
    experiment.map((value) => value - shift),
    control,
  )
  const excess = rankSum - (m * (m + 1)) / 2 - (m * n) / 2
  const variance = ((m * n) / 12) * (m + n + 1 - tieTerm / ((m + n) * (m + n - 1)))
  return (excess - 0.5 * Math.sign(excess)) / Math.sqrt(variance) - quantile
}

/** Sum of the ranks of `values` among both, and Σ(t³ − t) over groups of t equal values. */
function rankTogether(
  values: readonly number[],
  others: readonly number[],
): { readonly rankSum: number; readonly tieTerm: number } {
  const all = [
    ...values.map((value) => ({ value, own: true })),
    ...others.map((value) => ({ value, own: false })),
  ].sort((a, b) => a.value - b.value)
  let [rankSum, tieTerm] = [0, 0]
  for (let first = 0, after = 0; first < all.length; first = after) {
    while (after < all.length && all[after]!.value === all[first]!.value) after += 1
    const size = after - first
    const rank = (first + 1 + after) / 2
    for (let at = first; at < after; at += 1) if (all[at]!.own) rankSum += rank
    tieTerm += size ** 3 - size
  }
  return { rankSum, tieTerm }
}

/**
 * What Kayenta's judge calls one metric, with its defaults (confidence 98 %, a tolerance of a quarter of
 * the estimate, any effect): `high` or `low` where the interval lies wholly beyond the tolerance. Where
 * each side is constant it adds a little noise first; here such series are compared as they are, by
 * their values.
 */
export function kayentaClass(
  experiment: readonly number[],
  control: readonly number[],
): 'pass' | 'high' | 'low' {
  const [most, least] = [Math.max(...experiment, ...control), Math.min(...experiment, ...control)]
  if (most === least) return 'pass'
  const shift = mannWhitneyShift(experiment, control, 0.98)
  const tolerance = 0.25 * Math.abs(shift.estimate)
  if (shift.lower > tolerance) return 'high'
  return shift.upper < -tolerance ? 'low' : 'pass'
}
