/** ln Σ exp(values), without overflow; −Infinity for no values. */
export function logSumExp(values: readonly number[]): number {
  let largest = -Infinity
  for (const value of values) largest = Math.max(largest, value)
  // All −Infinity (or none): subtracting it below would give NaN.
  if (!Number.isFinite(largest)) return largest
  let sum = 0
  for (const value of values) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}

/** ln of the mean of exp(values): the log-evidence of bets with equal shares of the stake. Not for no values. */
export function logMeanExp(values: readonly number[]): number {
  return logSumExp(values) - Math.log(values.length)
}
