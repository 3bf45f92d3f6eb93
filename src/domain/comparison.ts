import type { LogEvidence, MetricReport } from './verdict.ts'

/**
 * What an experiment says of a challenger, by one metric or in all. `worse`: harm is shown. `no-worse`:
 * a change for the worse beyond the margin is excluded. `better`: that, and any change for the worse.
 * `unknown`: there is not enough evidence yet.
 */
export type ComparisonVerdict = 'better' | 'no-worse' | 'worse' | 'unknown'

/** One metric of a challenger against the baseline. */
export type ComparedMetric = {
  /** Here the challenger stands in the canary's place. */
  readonly report: MetricReport
  /**
   * Null: nothing is compared (missing labels, requests without an answer, drift), or nothing can be proved
   * and no harm is shown (values above a cap, where higher is better).
   */
  readonly verdict: ComparisonVerdict | null
  /** For being better at all; null where that is not asked. */
  readonly superiority: LogEvidence | null
  /**
   * Why it cannot be known yet, however much of the same comes (its cap is learnt first, say), as a sentence; null = more
   * evidence is all that it takes. Absent in decisions of versions that did not tell.
   */
  readonly missing?: string | null
  /**
   * Of what guards the others (missing labels, requests without an answer, answers with a 4xx): whether the challenger is
   * shown to have more or fewer of it, so that they are read from other requests on one side than on the other. Null or
   * absent: neither, or it is no guard.
   */
  readonly differs?: 'more' | 'fewer' | null
}

/** One challenger of an experiment against the baseline. */
export type Comparison = {
  readonly variant: string
  /** Over all required metrics: `worse` by one of them, else `unknown` while one is, else `better` by one. */
  readonly verdict: ComparisonVerdict
  readonly metrics: readonly ComparedMetric[]
  /** Units drawn for the two, by side, and the share that the challenger should have. */
  readonly units: { readonly baseline: number; readonly challenger: number }
  readonly expectedShare: number
  /** That the shares are not as drawn: above the threshold nothing of the comparison can be relied on. */
  readonly ratioMismatch: LogEvidence
  /** Median seconds until nothing required is unknown, were the challenger as good as the baseline; null = not known. */
  readonly etaSeconds: number | null
}

/** Whether a verdict over all metrics is to be expected: where each of them only warns or reports there never is one. */
export function isDecided(metrics: readonly { readonly required: boolean }[]): boolean {
  return metrics.some(({ required }) => required)
}

/** Whether the evidence says that requests are not shared out as they should be. */
export function isMismatched({ ratioMismatch }: Comparison): boolean {
  return ratioMismatch.log >= ratioMismatch.threshold
}
