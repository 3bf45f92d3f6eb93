import { CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import { NO_VALUE, type MetricReport } from '../domain/verdict.ts'
import { effectOf } from './hypotheses.ts'
import { countsOf, isOver, verdictOn } from './measurements.ts'
import { untilOf } from './until-of.ts'

/** What a report shows that no evidence stands behind. */
export const NO_EVIDENCE: MetricReport['evidence'] = {
  harm: null,
  nonInferiority: null,
  stepNonInferiority: null,
  stepHarm: null,
}

/**
 * The report of a metric with `method: threshold`: its verdict is what the measurements of this step add
 * up to, and its values are those of the last one. It decides as others do, and is outside α.
 */
export function thresholdReport(
  metric: MetricSpec,
  evidence: Evidence,
  context: { readonly step: number; readonly stepEnteredAt: number },
): MetricReport {
  const { name, kind, better, max, min, maxChange } = metric
  const terms = metric.threshold!
  const run = evidence.measurements[name]
  const last = run?.since === context.stepEnteredAt ? run.last : null
  const counts = countsOf(run, context.stepEnteredAt)
  const onFailure = effectOf(metric)
  return {
    name,
    kind,
    ...untilOf(metric),
    verdict: verdictOn(terms, counts),
    required: onFailure !== 'warn',
    onFailure,
    better,
    margins: maxChange === null ? null : { harm: maxChange, proof: null },
    cap: 'cap' in metric ? (metric.cap ?? evidence.caps[name] ?? null) : null,
    baseline: last?.baseline ?? NO_VALUE,
    canary: last?.canary ?? NO_VALUE,
    ratio: null,
    evidence: NO_EVIDENCE,
    limit: null,
    threshold: { terms, counts, over: isOver(terms, counts), max, min, maxChange },
    error: last?.error ?? null,
    outsideAlpha: true,
    stepCanaryN: judgedInStep(evidence, name, context.step),
    etaSeconds: null,
  }
}

// Of metrics that wait for something after the request: `minLabels` counts them.
function judgedInStep(evidence: Evidence, metric: string, step: number): number {
  const found = evidence.hypotheses[metric] as EventEvidence | BetEvidence | undefined
  if (found === undefined || found.step !== step) return 0
  return (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
}
