import type { MetricReport, ThresholdReport } from '../domain/verdict.ts'
import { countMeasurements } from './describe-threshold.ts'
import { formatCount, formatValue } from './format.ts'
import type { Missing } from './missing.ts'

/** What a step still needs of metrics that are asked for elsewhere, or whose measurements are counted. */
export function missingMeasurements(reports: readonly MetricReport[]): readonly Missing[] {
  return reports.filter((r) => r.required && r.outsideAlpha).flatMap(missingOf)
}

function missingOf(report: MetricReport): readonly Missing[] {
  const { name, error, threshold, limit } = report
  if (threshold !== null) return missingCounts(report, threshold)
  if (error !== null) return [missing('error', `${name}: could not be read (${error})`)]
  const isProvider = report.kind === 'prometheus' || report.kind === 'http'
  if (!isProvider || !limit!.tooFew) return []
  return [missing('minimum', `${name}: not asked for in this step yet`)]
}

function missingCounts(report: MetricReport, { counts, terms, over }: ThresholdReport): Missing[] {
  const { name, verdict, error } = report
  if (verdict === 'successful') return []
  if (verdict === 'error') {
    return [missing('error', `${name}: ${counts.consecutiveErrors} errors in a row (${error})`)]
  }
  if (verdict === 'failed') {
    const value = formatValue(report.kind, report.canary.value)
    const failed = `${countMeasurements(counts.failed)} failed, the last had ${value}`
    return [missing('limit', `${name}: ${failed}`)]
  }
  // What has been counted to its end stays so: asking again until it fits would be no judgement.
  if (over) return [missing('inconclusive', `${name}: its measurements ended without a result`)]
  if (error !== null) return [missing('error', `${name}: could not be read (${error})`)]
  const taken = counts.successful + counts.failed + counts.inconclusive
  const measured =
    terms.count === null
      ? countMeasurements(taken)
      : `${formatCount(taken)} of ${countMeasurements(terms.count)}`
  const row = terms.consecutiveSuccessLimit
  const inRow =
    row === null ? '' : `, ${counts.consecutiveSuccesses} of ${formatCount(row)} successes in a row`
  return [missing('minimum', `${name}: ${measured} in this step${inRow}`)]
}

function missing(kind: Missing['kind'], sentence: string): Missing {
  return { kind, sentence, etaSeconds: null }
}
