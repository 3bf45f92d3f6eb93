import { BASELINE } from './variant.ts'

/** What a service without a rollout does with its requests, in words; `weights` in percent, by variant. */
export function kindOfSplit({
  comparisons,
  rules,
  weights,
}: {
  readonly comparisons: readonly unknown[]
  readonly rules: readonly unknown[]
  readonly weights: Readonly<Record<string, number>>
}): 'experiment' | 'key split' | 'fixed weights' {
  if (comparisons.length > 0) return 'experiment'
  return rules.length > 0 && weights[BASELINE] === 100 ? 'key split' : 'fixed weights'
}
