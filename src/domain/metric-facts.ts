import type { MetricReport } from './verdict.ts'

/** Of a metric's report what says how it fails, with its evidence as the domain or as the API has it. */
type Failing = Pick<MetricReport, 'required' | 'onFailure'> & Harmed

type Harmed = {
  readonly evidence: {
    readonly harm: { readonly log: number | null; readonly threshold: number } | null
  }
}

/** What a metric's failure does to its rollout; null = it is only reported. */
export function effectOfFailure({
  required,
  onFailure,
  evidence,
}: Failing): 'rollback' | 'pause' | null {
  if (onFailure === 'warn') return null
  if (onFailure === 'rollback') return required ? 'rollback' : null
  // A guard is not required for 100 %, and yet pauses when what it guards against is shown.
  return required || evidence.harm !== null ? 'pause' : null
}

/** Whether the evidence shows harm: what has failed without it has failed by an absolute limit, or by measurements. */
export function isHarmShown({ evidence: { harm } }: Harmed): boolean {
  return harm !== null && harm.log !== null && harm.log >= harm.threshold
}
