/**
 * Why a rollout was rolled back, to be read after "rolled back": `by an operator`, `because of rmse`. A reason that is
 * none of those known is the name of a metric.
 */
export function describeRollback(reason: string): string {
  const cause = CAUSES[reason]
  return cause?.why ?? `because ${cause?.clause ?? `of ${reason}`}`
}

/** The same to be read after "because": `an operator asked for it`, `the metric rmse failed`. */
export function describeRollbackCause(reason: string): string {
  return CAUSES[reason]?.clause ?? `the metric ${reason} failed`
}

const CAUSES: Readonly<Record<string, { readonly why?: string; readonly clause: string }>> = {
  operator: { why: 'by an operator', clause: 'an operator asked for it' },
  breaker: {
    why: 'by the breaker',
    clause: 'too many requests to the canary had no good answer (the breaker)',
  },
  'variant-down': { clause: 'no upstream of the canary answered' },
  'max-duration': { why: 'because its time was over', clause: 'its time (maxDuration) was over' },
  'rolled-back-before': { clause: 'this version was rolled back before' },
}
