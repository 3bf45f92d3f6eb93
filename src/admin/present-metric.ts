import type {
  DriftReport,
  LogEvidence,
  MetricReport,
  MetricValue,
  RatioInterval,
  ShareBounds,
  ThresholdReport,
} from '../domain/verdict.ts'

/** A metric with its verdict as the API shows it: what is not finite is null. */
export type MetricJson = {
  readonly name: string
  /** Null: about all requests. */
  readonly segment: string | null
  readonly kind: string
  readonly verdict: MetricReport['verdict']
  readonly required: boolean
  readonly onFailure: MetricReport['onFailure']
  readonly better: MetricReport['better']
  readonly margins: MetricReport['margins']
  readonly cap: number | null
  readonly baseline: MetricValue
  readonly canary: MetricValue
  readonly ratio: RatioJson | null
  readonly evidence: {
    readonly harm: LogEvidenceJson | null
    readonly nonInferiority: LogEvidenceJson | null
    readonly stepNonInferiority: LogEvidenceJson | null
    readonly stepHarm: LogEvidenceJson | null
  }
  readonly limit: MetricReport['limit']
  readonly threshold: ThresholdJson | null
  readonly error: string | null
  readonly outsideAlpha: boolean
  readonly stepCanaryN: number
  readonly etaSeconds: number | null
  /** Null: no drift is watched, or nothing is known of it yet. */
  readonly drift: DriftReport | null
  /** Of the canary's share, time-uniform. Null: the metric has none. */
  readonly bounds: ShareBounds | null
}

/** The measurements of the current step, and the limits that they are counted against (null = none). */
export type ThresholdJson = Omit<ThresholdReport, 'terms'> & {
  readonly terms: Omit<ThresholdReport['terms'], 'intervalMs'> & {
    readonly intervalSeconds: number
  }
}

/** `lower: null` or `upper: null` = not bounded yet on that side. */
export type RatioJson = {
  readonly estimate: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly method: RatioInterval['method']
}

/** `log: null` = minus infinity: the observations rule this out. */
export type LogEvidenceJson = { readonly log: number | null; readonly threshold: number }

/** Builds the JSON of one metric's report. */
export function presentMetric(report: MetricReport): MetricJson {
  return {
    name: report.name,
    segment: report.segment ?? null,
    kind: report.kind,
    verdict: report.verdict,
    required: report.required,
    onFailure: report.onFailure,
    better: report.better,
    margins: report.margins,
    cap: report.cap,
    baseline: presentValue(report.baseline),
    canary: presentValue(report.canary),
    ratio:
      report.ratio === null
        ? null
        : {
            estimate: finite(report.ratio.estimate),
            lower: finite(report.ratio.lower),
            upper: finite(report.ratio.upper),
            method: report.ratio.method,
          },
    evidence: {
      harm: presentEvidence(report.evidence.harm),
      nonInferiority: presentEvidence(report.evidence.nonInferiority),
      stepNonInferiority: presentEvidence(report.evidence.stepNonInferiority),
      stepHarm: presentEvidence(report.evidence.stepHarm),
    },
    limit: report.limit,
    threshold: report.threshold === null ? null : presentThreshold(report.threshold),
    error: report.error,
    outsideAlpha: report.outsideAlpha,
    stepCanaryN: report.stepCanaryN,
    etaSeconds: report.etaSeconds === null ? null : finite(report.etaSeconds),
    drift: report.drift ?? null,
    bounds: report.bounds ?? null,
  }
}

function presentThreshold({ terms, ...rest }: ThresholdReport): ThresholdJson {
  const { intervalMs, ...limits } = terms
  return { ...rest, terms: { ...limits, intervalSeconds: intervalMs / 1000 } }
}

function presentValue({ value, n }: MetricValue): MetricValue {
  return { value: value === null ? null : finite(value), n }
}

/** Builds the JSON of evidence; null stays null. */
export function presentEvidence<T extends LogEvidence | null>(
  evidence: T,
): T extends null ? null : LogEvidenceJson
export function presentEvidence(evidence: LogEvidence | null): LogEvidenceJson | null {
  // Of a metric that has a limit alone no harm is asked, and none can ever be shown.
  if (evidence === null || !Number.isFinite(evidence.threshold)) return null
  return { log: finite(evidence.log), threshold: evidence.threshold }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
