import type { ComparedMetricJson, ComparisonJson } from '../admin/present-comparison.ts'
import { isDecided, type ComparisonVerdict } from '../domain/comparison.ts'
import { formatCount, formatNumber, formatPercent, formatValue } from '../rollout/format.ts'
import { describePoints, hasLargeShares, possibleUpper, WHOSE_EVENTS } from './describe-shares.ts'
import { formatSeconds, renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/** How a verdict reads. */
export const VERDICT_WORDS: Readonly<Record<ComparisonVerdict, string>> = {
  better: 'better',
  'no-worse': 'no worse',
  worse: 'worse',
  unknown: 'not known yet',
}

/** Builds the lines of `status` about one challenger: its verdict in all, then a row for each metric. */
export function renderComparison(comparison: ComparisonJson, style: Style): readonly string[] {
  return [
    renderChallenger(comparison, style),
    ...renderTable(metricRows(comparison, style), '<<>><', style),
    ...renderMissing(comparison, style),
  ]
}

/** Builds the lines that say why metrics of a challenger cannot be known yet; none where more evidence is all that it takes. */
export function renderMissing({ metrics }: ComparisonJson, { width }: Style): readonly string[] {
  return metrics
    .flatMap(({ name, missing }) => (typeof missing === 'string' ? `${name}: ${missing}` : []))
    .flatMap((text, index) => renderLabelled(index === 0 ? ' missing' : '', text, width))
}

/** Builds the line about one challenger: what is said of it in all, and of how much. */
export function renderChallenger(comparison: ComparisonJson, style: Style): string {
  const { variant, verdict, units, etaSeconds } = comparison
  const counts = `(${formatCount(units.challenger)} against ${formatCount(units.baseline)} of the baseline`
  const eta = etaSeconds === null ? '' : `, known in about ${formatSeconds(etaSeconds)}`
  const said = comparison.mismatched
    ? { text: 'not to be relied on: the split is not as drawn', paint: style.bad }
    : { text: describeVerdict(comparison), paint: paint(verdict, style) }
  const name = { text: `  ${variant}`, paint: style.bold }
  return renderTable([[name, said, `${counts}${eta})`]], '<<<', style)[0]!
}

function describeVerdict(comparison: ComparisonJson): string {
  return isDecided(comparison.metrics) ? VERDICT_WORDS[comparison.verdict] : 'no metric decides'
}

/** Builds the sentences of `explain` about one challenger. */
export function explainComparison(comparison: ComparisonJson): readonly string[] {
  const { variant, metrics, units, expectedShare, etaSeconds } = comparison
  const total = units.challenger + units.baseline
  const share =
    total === 0
      ? 'No request of the two is judged yet.'
      : `${formatCount(units.challenger)} of ${formatCount(total)} units drawn for the two are its own (${formatPercent(units.challenger / total)}, expected ${formatPercent(expectedShare)}).`
  return [
    `${variant}: ${describeVerdict(comparison)}. ${share}`,
    ...(comparison.mismatched
      ? [
          'That share is not what the draw gives: nothing below can be relied on until it is explained.',
        ]
      : []),
    ...metrics.map(explainMetric),
    ...(metrics.some(hasLargeShares) ? [WHOSE_EVENTS] : []),
    ...(etaSeconds === null
      ? []
      : [
          `What is not known yet takes about ${formatSeconds(etaSeconds)} if ${variant} is as good as the baseline.`,
        ]),
  ]
}

function explainMetric(metric: ComparedMetricJson): string {
  const { name, kind, comparison, baseline, canary, evidence, superiority, margins, missing } =
    metric
  const figures = `${formatValue(kind, canary.value)} (n ${formatCount(canary.n)}) against ${formatValue(kind, baseline.value)} (n ${formatCount(baseline.n)})`
  if (kind === 'drift') return explainDrift(metric)
  if (comparison === null) {
    const word = isDifferent(metric) ? 'differs' : 'no difference shown'
    const why = metric.required
      ? 'Nothing is to be proved of it: only harm would count.'
      : 'It guards the others and is not compared.'
    return `- ${name}: ${word}; ${figures}. ${why}`
  }
  const apart = hasLargeShares(metric) ? `, ${describePoints(metric)}` : ''
  const interval = metric.ratio === null ? '' : `${apart}; ratio ${ratioOf(metric)}`
  const odds = [
    part('worse', evidence.harm),
    ...(evidence.nonInferiority === null
      ? []
      : [part(`no worse within ${formatPercent(margins!.proof!)}`, evidence.nonInferiority)]),
    ...(superiority === null ? [] : [part('better', superiority)]),
  ]
  const waits = typeof missing === 'string' ? ` Missing: ${missing}.` : ''
  return `- ${name}: ${VERDICT_WORDS[comparison]}; ${figures}${interval}.${waits} Log-evidence: ${odds.join(', ')}.`
}

function explainDrift({ name, verdict, drift, baseline, canary, evidence }: ComparedMetricJson) {
  const word = verdict === 'failed' ? 'differs' : 'no difference shown'
  const values = `${formatCount(canary.n)} values against ${formatCount(baseline.n)}`
  const size =
    drift === null
      ? 'the bins are not known yet'
      : `PSI ${formatNumber(drift.psi)} (from ${formatNumber(drift.minPsi)} on it counts)`
  return `- ${name}: ${word}; ${size}; ${values}. Log-evidence: ${part('of a shift', evidence.harm)}.`
}

function part(of: string, evidence: ComparedMetricJson['superiority']): string {
  // Where it is compared there is evidence of each kind; minus infinity is ruled out.
  const { log, threshold } = evidence!
  return `${of} ${log === null ? '-∞' : formatNumber(log)} of ${formatNumber(threshold)}`
}

function metricRows({ metrics }: ComparisonJson, style: Style): Cell[][] {
  const head = ['   metric', 'verdict', 'baseline', 'challenger', 'ratio (interval)']
  const rows = metrics.map((metric): Cell[] => [
    `   ${metric.name}`,
    renderVerdict(metric, style),
    valueOf(metric.kind, metric.baseline.value),
    valueOf(metric.kind, metric.canary.value),
    metric.drift !== null ? `PSI ${formatNumber(metric.drift.psi)}` : ratioOf(metric),
  ])
  return [head.map((text) => ({ text, paint: style.dim })), ...rows]
}

/** What is said of one metric of a challenger, in its colour. */
export function renderVerdict(metric: ComparedMetricJson, style: Style): Cell {
  const { comparison, margins } = metric
  if (comparison !== null) {
    return { text: describeCompared(comparison, margins), paint: paint(comparison, style) }
  }
  return isDifferent(metric) ? { text: 'differs', paint: style.bad } : '-'
}

function isDifferent({ differs, verdict }: ComparedMetricJson): boolean {
  // A gateway of an earlier version does not tell.
  return typeof differs === 'string' || verdict === 'failed'
}

// "No worse" alone would be read as "as good", at a margin of half as much again.
function describeCompared(
  verdict: ComparisonVerdict,
  margins: ComparedMetricJson['margins'],
): string {
  const margin = margins?.proof ?? null
  const within = verdict === 'no-worse' && margin !== null ? ` (${formatPercent(margin)})` : ''
  return `${VERDICT_WORDS[verdict]}${within}`
}

function paint(verdict: ComparisonVerdict, style: Style): (text: string) => string {
  if (verdict === 'worse') return style.bad
  return verdict === 'unknown' ? (text) => text : style.good
}

function valueOf(kind: string, value: number | null): string {
  return value === null ? '-' : formatValue(kind, value)
}

function ratioOf(metric: ComparedMetricJson): string {
  const { ratio } = metric
  if (ratio === null) return '-'
  const show = (value: number | null, unknown: string) =>
    value === null ? unknown : value.toFixed(3)
  const { estimate, lower } = ratio
  return `${show(estimate, '-')} (${show(lower, '0')} to ${show(possibleUpper(metric), '∞')})`
}
