/** ln Σ exp(values), without overflow; −Infinity for no values. */
export function logSumExp(values: ArrayLike<number>): number {
  let largest = -Infinity
  for (let i = 0; i < values.length; i += 1) largest = Math.max(largest, values[i]!)
  // All −Infinity (or none): subtracting it below would give NaN.
  if (!Number.isFinite(largest)) return largest
  let sum = 0
  for (let i = 0; i < values.length; i += 1) sum += Math.exp(values[i]! - largest)
  return largest + Math.log(sum)
}

/** ln of the mean of exp(values): the log-evidence of bets with equal shares of the stake. Not for no values. */
export function logMeanExp(values: ArrayLike<number>): number {
  return logSumExp(values) - Math.log(values.length)
}
