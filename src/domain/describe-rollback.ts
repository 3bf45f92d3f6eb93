/**
 * Why a rollout was rolled back, to be read after "rolled back": `by an operator`, `because of rmse`. A reason that is
 * none of those known is the name of a metric.
 */
export function describeRollback(reason: string): string {
  return WHY[reason] ?? `because of ${reason}`
}

const WHY: Readonly<Record<string, string>> = {
  operator: 'by an operator',
  breaker: 'by the breaker',
  'variant-down': 'because no upstream of the canary answered',
  'max-duration': 'because its time was over',
  'rolled-back-before': 'because this version was rolled back before',
}
