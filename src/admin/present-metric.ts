import type {
  LimitReport,
  LogEvidence,
  MetricReport,
  MetricValue,
  ThresholdReport,
} from '../domain/verdict.ts'
import type { LogEvidenceSchema, MetricSchema } from './schema-metric.ts'
import type { Json } from './schema-value.ts'

/** A metric with its verdict as the API shows it: what is not finite is null. */
export type MetricJson = Json<typeof MetricSchema>

/** The measurements of the current step, and the limits that they are counted against (null = none). */
export type ThresholdJson = NonNullable<MetricJson['threshold']>

/** `lower: null` or `upper: null` = not bounded yet on that side. */
export type RatioJson = NonNullable<MetricJson['ratio']>

/** `log: null` = minus infinity: the observations rule this out. */
export type LogEvidenceJson = Json<typeof LogEvidenceSchema>

/** Builds the JSON of one metric's report. */
export function presentMetric(report: MetricReport): MetricJson {
  return {
    name: report.name,
    segment: report.segment ?? null,
    kind: report.kind,
    until: report.until ?? null,
    verdict: report.verdict,
    required: report.required,
    onFailure: report.onFailure,
    better: report.better,
    margins: presentMargins(report.margins),
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
            level: report.ratio.level ?? null,
          },
    evidence: {
      harm: presentEvidence(report.evidence.harm),
      nonInferiority: presentEvidence(report.evidence.nonInferiority),
      stepNonInferiority: presentEvidence(report.evidence.stepNonInferiority),
      stepHarm: presentEvidence(report.evidence.stepHarm),
    },
    limit: report.limit === null ? null : presentLimit(report.limit),
    threshold: report.threshold === null ? null : presentThreshold(report.threshold),
    error: report.error,
    withoutOutages: report.withoutOutages ?? false,
    outsideAlpha: report.outsideAlpha,
    stepCanaryN: report.stepCanaryN,
    etaSeconds: report.etaSeconds === null ? null : finite(report.etaSeconds),
    drift: report.drift ?? null,
    bounds: report.bounds ?? null,
    slow: report.slow ?? null,
    unscored: report.unscored ?? null,
    unreadable: report.unreadable ?? null,
  }
}

function presentMargins(margins: MetricReport['margins']): MetricJson['margins'] {
  return margins === null
    ? null
    : { harm: margins.harm, proof: margins.proof, floor: margins.floor ?? 0 }
}

// Decisions of older versions have no figures of it.
function presentLimit(limit: LimitReport): NonNullable<MetricJson['limit']> {
  const { max, min, ticksBeyond, baselineBeyond, byChance, countsAs } = limit
  const { tooFew, baseline, canary } = limit
  return {
    max,
    min,
    ticksBeyond,
    baselineBeyond,
    byChance: byChance === true,
    countsAs: countsAs ?? null,
    tooFew,
    baseline: baseline === undefined ? null : presentValue(baseline),
    canary: canary === undefined ? null : presentValue(canary),
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
