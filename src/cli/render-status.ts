import type { MetricJson } from '../admin/present-metric.ts'
import type { MirrorJson } from '../admin/present-mirror.ts'
import type { ServiceJson } from '../admin/present.ts'
import { hasOwnFigures, limitFigures } from '../domain/metric-facts.ts'
import {
  formatCount,
  formatLimit,
  formatNumber,
  formatPercent,
  formatReplicas,
  formatValue,
  formatWeight,
} from '../rollout/format.ts'
import { renderEvidence } from './gauge.ts'
import { renderSummary } from './render-command.ts'
import { renderComparison } from './render-comparison.ts'
import { renderHead } from './render-head.ts'
import { renderRules } from './render-rules.ts'
import { formatSeconds, renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/**
 * Builds the lines of `status`: a block for each service. What stands in its tables is of two spans: the
 * variants' counts go on from the start of the gateway, the metrics begin anew with each attempt.
 * `now` in milliseconds since the epoch.
 */
export function renderStatus(
  services: readonly ServiceJson[],
  style: Style,
  now: number,
): readonly string[] {
  return services.flatMap((service, index) => [
    ...(index === 0 ? [] : ['']),
    ...renderService(service, style, now),
    ...renderNotice(service, services.slice(0, index), style),
  ])
}

/** What is said of one service is not said again of the next. */
function renderNotice(
  { notice }: ServiceJson,
  before: readonly ServiceJson[],
  { width }: Style,
): readonly string[] {
  if (notice === null || before.some((service) => service.notice === notice)) return []
  return renderLabelled('note', notice, width)
}

function renderService(service: ServiceJson, style: Style, now: number): readonly string[] {
  const { width } = style
  const replicas = formatReplicas(service.replicas)
  const missing = service.missing.flatMap((sentence, index) =>
    renderLabelled(index === 0 ? 'missing' : '', sentence, width),
  )
  return [
    ...renderHead(service, style),
    ...renderTable(variantRows(service, style), '<<>>>>>>', style),
    ...renderDoor(service, style),
    ...renderLeft(service, style),
    ...renderRules(service, style),
    ...(Object.keys(service.mirrors).length === 0
      ? []
      : renderTable(mirrorRows(service, style, now), '<>><>>>>', style)),
    ...(service.metrics.length === 0
      ? []
      : renderTable(metricRows(service.metrics, style), '<<>>>>', style)),
    ...service.comparisons.flatMap((comparison) => renderComparison(comparison, style)),
    ...missing,
    ...(service.etaSeconds === null
      ? []
      : renderLabelled('next step', `in about ${formatSeconds(service.etaSeconds)}`, width)),
    ...(replicas === null ? [] : renderLabelled('evidence', replicas, width)),
    ...renderLast(service, width, now),
  ]
}

function variantRows(service: ServiceJson, style: Style): Cell[][] {
  const head = [
    ...['  since start', 'version', 'weight', 'in flight', 'requests', 'errors'],
    ...['p95', 'healthy'],
  ]
  const rows = Object.entries(service.variants).map(([name, variant]): Cell[] => [
    `  ${name}`,
    variant.version,
    formatWeight(service.weights[name] ?? 0),
    formatCount(variant.inFlight),
    formatCount(variant.requests),
    formatCount(variant.errors),
    variant.p95Ms === null ? '-' : formatValue('latency', variant.p95Ms),
    {
      text: `${variant.healthy}/${variant.upstreams}`,
      paint: variant.healthy === 0 ? style.bad : (text) => text,
    },
  ])
  return [dimmed(head, style), ...rows]
}

/** A line of its own, since few variants have a door and a table has no room for them. */
function renderDoor({ variants }: ServiceJson, { width }: Style): readonly string[] {
  const turnedAway = Object.entries(variants).flatMap(([name, { rejected }]) =>
    rejected === 0 ? [] : [`${name} ${formatCount(rejected)}`],
  )
  if (turnedAway.length === 0) return []
  const text = `turned away since start: ${turnedAway.join(', ')} (maxInFlight, queue)`
  return renderLabelled('door', text, width)
}

/** Clients that did not wait for an answer: the breaker judges by them, and no count of errors has them. */
function renderLeft({ variants }: ServiceJson, { width }: Style): readonly string[] {
  const left = Object.entries(variants).flatMap(([name, variant]) =>
    variant.left > 0 ? [`${name} ${formatCount(variant.left)}`] : [],
  )
  if (left.length === 0) return []
  return renderLabelled('left', `before an answer since start: ${left.join(', ')}`, width)
}

function mirrorRows(service: ServiceJson, style: Style, now: number): Cell[][] {
  const head = ['  mirror', 'sent', 'ok', 'last ok', 'dropped', 'pairs', 'disagree', 'p95']
  const rows = Object.entries(service.mirrors).map(([name, mirror]): Cell[] => {
    const { results, pairs, disagreements, lastOkAt, p95Ms } = mirror
    const disagreed = sum(disagreements)
    const ago =
      lastOkAt === null ? 'never' : `${formatSeconds((now - Date.parse(lastOkAt)) / 1000)} ago`
    return [
      `  ${name}`,
      formatCount(sentOf(mirror)),
      { text: formatCount(results.ok), paint: results.ok === 0 ? style.bad : (text) => text },
      ago,
      formatCount(sum(results) + mirror.inFlight - sentOf(mirror)),
      formatCount(pairs),
      pairs === 0 ? '-' : formatPercent(disagreed / pairs),
      p95Ms === null ? '-' : formatValue('latency', p95Ms),
    ]
  })
  return [dimmed(head, style), ...rows]
}

/** Copies that left, whatever became of them. */
function sentOf({ inFlight, results }: MirrorJson): number {
  return inFlight + results.ok + results.failed + results.no_answer + results.cancelled
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

function metricRows(metrics: readonly MetricJson[], style: Style): Cell[][] {
  const head = ['  this attempt', 'verdict', 'baseline', 'canary', 'worse│ok', 'ratio (interval)']
  const rows = metrics.map((metric): Cell[] => [
    `  ${metric.name}`,
    { text: metric.verdict, paint: paintVerdict(metric.verdict, style) },
    renderValue(metric.kind, metric.baseline.value),
    renderValue(metric.kind, metric.canary.value),
    renderEvidence(metric.evidence),
    describeStanding(metric),
  ])
  return [dimmed(head, style), ...rows]
}

/** How a metric's verdict is painted. */
export function paintVerdict(
  verdict: MetricJson['verdict'],
  style: Style,
): (text: string) => string {
  if (verdict === 'successful') return style.good
  return verdict === 'inconclusive' ? (text) => text : style.bad
}

/** A metric's value in a table. */
export function renderValue(kind: string, value: number | null): string {
  return value === null ? '-' : formatValue(kind, value)
}

/**
 * What a metric is judged by beside its two values: a ratio with its interval, a limit (where it is broken with what
 * breaks it), counts, or a PSI.
 */
export function describeStanding(metric: MetricJson): string {
  const { ratio, limit, kind, threshold, drift, bounds } = metric
  if (threshold !== null) {
    const { successful, failed } = threshold.counts
    return `${successful} ok, ${failed} failed`
  }
  if (drift !== null) return `PSI ${formatNumber(drift.psi)}`
  if (bounds !== null) {
    return `limit ${formatLimit(kind, limit!)} (${formatPercent(bounds.lower)} to ${formatPercent(bounds.upper)})`
  }
  // What the canary has there is not in the columns beside it.
  if (limit !== null && limit.ticksBeyond > 0 && hasOwnFigures(metric)) {
    const { value, n } = limitFigures(metric).canary
    return `limit ${formatLimit(kind, limit)}: ${renderValue(kind, value)} (n ${formatCount(n)})`
  }
  if (ratio === null) return limit === null ? '-' : `limit ${formatLimit(kind, limit)}`
  const show = (value: number | null, unknown: string) =>
    value === null ? unknown : value.toFixed(3)
  return `${show(ratio.estimate, '-')} (${show(ratio.lower, '0')} to ${show(ratio.upper, '∞')})`
}

function renderLast(service: ServiceJson, width: number, now: number): readonly string[] {
  const { lastDecision } = service
  if (lastDecision === null) return []
  const ago = formatSeconds((now - Date.parse(lastDecision.at)) / 1000)
  const { id, actor } = lastDecision
  return renderLabelled(
    'last',
    `#${id} ${ago} ago by ${actor}: ${renderSummary(lastDecision)}`,
    width,
  )
}

function dimmed(head: readonly string[], style: Style): Cell[] {
  return head.map((text) => ({ text, paint: style.dim }))
}
