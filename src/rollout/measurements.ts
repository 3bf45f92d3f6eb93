import type { Measurement, MeasurementRun } from '../domain/measurement.ts'
import type { ThresholdSpec } from '../domain/rollout-spec.ts'
import type { MeasurementCounts, Verdict } from '../domain/verdict.ts'

/** After an error a measurement is tried again this soon, or after the interval if that is shorter. */
const ERROR_RETRY_MS = 10_000

const NONE: MeasurementCounts = {
  successful: 0,
  failed: 0,
  inconclusive: 0,
  error: 0,
  consecutiveErrors: 0,
  consecutiveSuccesses: 0,
}

/** The run of the step that was entered at `since`, one measurement later; a run of another step is over. */
export function addMeasurement(
  before: MeasurementRun | undefined,
  since: number,
  last: Measurement,
): MeasurementRun {
  const counts = countsOf(before, since)
  const { verdict } = last
  return {
    ...counts,
    [verdict]: counts[verdict] + 1,
    consecutiveErrors: verdict === 'error' ? counts.consecutiveErrors + 1 : 0,
    consecutiveSuccesses: verdict === 'successful' ? counts.consecutiveSuccesses + 1 : 0,
    since,
    last,
  }
}

/** What has been counted in the step that was entered at `since`. */
export function countsOf(run: MeasurementRun | undefined, since: number): MeasurementCounts {
  if (run?.since !== since) return NONE
  const { since: _, last: __, ...counts } = run
  return counts
}

/**
 * What counted measurements amount to, in the order of Argo Rollouts: too many failures, inconclusive
 * measurements, errors in a row; then enough successes in a row; then the count. `ended`: nothing more
 * will be measured. Null = go on measuring. Unlike Argo, nothing measured is inconclusive, never successful.
 */
export function assess(
  terms: ThresholdSpec,
  counts: MeasurementCounts,
  ended: boolean,
): Verdict | null {
  const { failureLimit, consecutiveSuccessLimit } = terms
  if (failureLimit !== null && counts.failed > failureLimit) return 'failed'
  if (counts.inconclusive > terms.inconclusiveLimit) return 'inconclusive'
  if (counts.consecutiveErrors > terms.consecutiveErrorLimit) return 'error'
  if (consecutiveSuccessLimit !== null && counts.consecutiveSuccesses >= consecutiveSuccessLimit) {
    return 'successful'
  }
  if (terms.count !== null && taken(counts) >= terms.count) {
    if (consecutiveSuccessLimit === null) return 'successful'
    return failureLimit === null ? 'failed' : 'inconclusive'
  }
  if (!ended) return null
  return counts.successful > 0 ? 'successful' : 'inconclusive'
}

/**
 * The verdict that counted measurements stand for now. A run with neither `count` nor
 * `consecutiveSuccessLimit` lasts as long as its step, so it is read as if it ended here.
 */
export function verdictOn(terms: ThresholdSpec, counts: MeasurementCounts): Verdict {
  const endless = terms.count === null && terms.consecutiveSuccessLimit === null
  return assess(terms, counts, endless) ?? 'inconclusive'
}

/** Whether no further measurement is taken. Errors never end a run: what is asked may be back soon. */
export function isOver(terms: ThresholdSpec, counts: MeasurementCounts): boolean {
  const verdict = assess(terms, counts, false)
  return verdict !== null && verdict !== 'error'
}

/**
 * When the next measurement is due. `startedAt`: when measuring began (warm-up is over by then), which is
 * when a provider is asked first.
 */
export function dueAt(
  last: { readonly at: number; readonly isError: boolean } | null,
  intervalMs: number,
  startedAt: number,
): number {
  if (last === null) return startedAt
  return last.at + (last.isError ? Math.min(ERROR_RETRY_MS, intervalMs) : intervalMs)
}

function taken({ successful, failed, inconclusive }: MeasurementCounts): number {
  return successful + failed + inconclusive
}
