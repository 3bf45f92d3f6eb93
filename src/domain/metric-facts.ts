import type { MetricReport, MetricValue, Verdict } from './verdict.ts'

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

/**
 * What a verdict says: shown to be no worse, or worse, only where that is tested. A limit, a threshold or a distribution
 * is kept or not; of a guard even what is shown may be too little to act on.
 */
export type VerdictMeaning =
  | Verdict
  | 'within-limit'
  | 'beyond-limit'
  | 'shift'
  | 'no-shift'
  | 'worse-by-little'

type Judged = {
  readonly kind: string
  readonly verdict: Verdict
  readonly limit: object | null
  readonly evidence: Harmed['evidence'] & {
    readonly nonInferiority: Harmed['evidence']['harm']
  }
}

/** Reads what a metric's verdict says from what it rests on. */
export function meaningOf(metric: Judged): VerdictMeaning {
  const { verdict, kind, evidence, limit } = metric
  if (kind === 'drift') return verdict === 'failed' ? 'shift' : 'no-shift'
  switch (verdict) {
    case 'failed':
      return kind === 'disagreement' || !isHarmShown(metric) ? 'beyond-limit' : verdict
    case 'inconclusive':
      return isHarmShown(metric) ? 'worse-by-little' : verdict
    case 'successful': {
      const { harm, nonInferiority } = evidence
      if (nonInferiority !== null) return verdict
      // Of a metric that has a limit alone no harm is asked.
      const isTested = harm !== null && Number.isFinite(harm.threshold)
      return isTested && limit === null ? verdict : 'within-limit'
    }
    case 'error':
      return verdict
  }
}

/** What two sides have, in the metric's unit. */
export type SideValues = { readonly baseline: MetricValue; readonly canary: MetricValue }

type Limited = SideValues & {
  readonly limit: {
    readonly baseline?: MetricValue | null
    readonly canary?: MetricValue | null
  } | null
}

/**
 * What a metric's absolute limit is held against; the metric's own values where that was not recorded, or where it has
 * no limit.
 */
export function limitFigures({ limit, baseline, canary }: Limited): SideValues {
  return { baseline: limit?.baseline ?? baseline, canary: limit?.canary ?? canary }
}

/** The values that a verdict is about: those of the limit where that alone has failed the metric, else the metric's own. */
export function verdictFigures(
  metric: Limited & Harmed & { readonly verdict: Verdict },
): SideValues {
  const isByLimit = metric.limit !== null && metric.verdict === 'failed' && !isHarmShown(metric)
  return isByLimit ? limitFigures(metric) : metric
}

/** Whether a limit is held against other values than those that its metric shows. */
export function hasOwnFigures(metric: Limited): boolean {
  const { baseline, canary } = limitFigures(metric)
  return !isSame(baseline, metric.baseline) || !isSame(canary, metric.canary)
}

function isSame(a: MetricValue, b: MetricValue): boolean {
  return a.value === b.value && a.n === b.n
}
