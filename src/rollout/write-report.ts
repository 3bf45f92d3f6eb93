import type { MetricReport } from '../domain/verdict.ts'
import { untilOf } from './until-of.ts'

/** A report as plain data, every figure of it worked out: for what is stored. */
export function writeReport(report: MetricReport): MetricReport {
  const { segment, bounds, slow, unscored, unreadable, withoutOutages, drift, evidence } = report
  const { passedCap } = report
  const { harm, nonInferiority, stepNonInferiority, stepHarm } = evidence
  return {
    name: report.name,
    ...(segment === undefined ? undefined : { segment }),
    kind: report.kind,
    ...untilOf(report),
    verdict: report.verdict,
    required: report.required,
    onFailure: report.onFailure,
    better: report.better,
    margins: report.margins,
    cap: report.cap,
    baseline: report.baseline,
    canary: report.canary,
    ratio: report.ratio,
    evidence: { harm, nonInferiority, stepNonInferiority, stepHarm },
    limit: report.limit,
    threshold: report.threshold,
    error: report.error,
    outsideAlpha: report.outsideAlpha,
    ...(bounds === undefined ? undefined : { bounds }),
    ...(slow === undefined ? undefined : { slow }),
    ...(unscored === undefined ? undefined : { unscored }),
    ...(unreadable === undefined ? undefined : { unreadable }),
    ...(withoutOutages === undefined ? undefined : { withoutOutages }),
    ...(passedCap === undefined ? undefined : { passedCap }),
    stepCanaryN: report.stepCanaryN,
    etaSeconds: report.etaSeconds,
    ...(drift === undefined ? undefined : { drift }),
  }
}
