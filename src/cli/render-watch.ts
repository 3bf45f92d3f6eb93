import { kindOfSplit } from '../domain/kind-of-split.ts'
import type { MetricJson } from '../admin/present-metric.ts'
import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { formatCount, formatValue, formatWeight } from '../rollout/format.ts'
import { drawBar, drawGauge, evidenceShare } from './gauge.ts'
import { renderChallenger, renderMissing, renderVerdict } from './render-comparison.ts'
import { paintPhase, renderHead } from './render-head.ts'
import { renderRules } from './render-rules.ts'
import { describeStanding, paintVerdict, renderValue } from './render-status.ts'
import { formatSeconds, renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/** What a live view shows at one moment. */
export type WatchFrame = {
  readonly services: readonly ServiceJson[]
  /** The last ones of all services, newest first. */
  readonly decisions: readonly DecisionJson[]
  /** What is to be said of the gateway itself. */
  readonly warnings: readonly string[]
  /** In ms since the epoch. */
  readonly now: number
}

const WEIGHT_CELLS = 6
const SHOWN_DECISIONS = 5
/** Evidence of harm from which on it is told before how far a proof is. */
const ALARMING = 0.5

/** Builds the lines of the live view: one service in full, several as a table with a line each. */
export function renderWatch(frame: WatchFrame, style: Style): readonly string[] {
  const { services, warnings, now } = frame
  const [only] = services
  const head = services.length === 1 ? 'serin' : `serin  ${services.length} services`
  return [
    head.padEnd(Math.max(0, style.width - CLOCK_COLUMNS)) + renderClock(now),
    ...warnings.flatMap((text) => renderLabelled('gateway', text, style.width).map(style.bad)),
    ...(services.length === 1
      ? renderOne(only!, style)
      : renderTable(
          [ALL_HEAD.map(dim(style)), ...services.map((s) => rowOf(s, style))],
          '<<<<<>',
          style,
        )),
    ...renderDecisions(frame, style),
  ]
}

const CLOCK_COLUMNS = 12

/** A moment as `12:00:00 UTC`. */
export function renderClock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`
}

function renderOne(service: ServiceJson, style: Style): readonly string[] {
  const { width } = style
  const { missing, etaSeconds, notice, metrics, comparisons } = service
  return [
    ...renderHead(service, style),
    ...renderTable(variantRows(service, style), '<<<>>>>>>', style),
    ...renderMetrics(metrics, style, ({ verdict }) => ({
      // A gauge between its ends says that by itself.
      text: verdict === 'inconclusive' ? '' : verdict,
      paint: paintVerdict(verdict, style),
    })),
    ...comparisons.flatMap((comparison) => [
      renderChallenger(comparison, style),
      ...renderMetrics(comparison.metrics, style, (metric) => renderVerdict(metric, style)),
      ...renderMissing(comparison, style),
    ]),
    ...renderRules(service, style),
    ...missing.flatMap((sentence, index) =>
      renderLabelled(index === 0 ? 'missing' : '', sentence, width),
    ),
    ...(etaSeconds === null
      ? []
      : renderLabelled('next step', `in about ${formatSeconds(etaSeconds)}`, width)),
    ...(notice === null ? [] : renderLabelled('note', notice, width)),
  ]
}

function variantRows(service: ServiceJson, style: Style): Cell[][] {
  const head = [
    ...['  variant', 'version', 'weight', '', 'in flight', 'requests', 'errors'],
    ...['p95', 'healthy'],
  ]
  const rows = Object.entries(service.variants).map(([name, variant]): Cell[] => {
    const weight = service.weights[name] ?? 0
    return [
      `  ${name}`,
      variant.version,
      drawBar(weight / 100, WEIGHT_CELLS),
      formatWeight(weight),
      formatCount(variant.inFlight),
      formatCount(variant.requests),
      formatCount(variant.errors),
      variant.p95Ms === null ? '-' : formatValue('latency', variant.p95Ms),
      {
        text: `${variant.healthy}/${variant.upstreams}`,
        paint: variant.healthy === 0 ? style.bad : (text) => text,
      },
    ]
  })
  return [head.map(dim(style)), ...rows]
}

function renderMetrics<M extends MetricJson>(
  metrics: readonly M[],
  style: Style,
  verdictOf: (metric: M) => Cell,
): readonly string[] {
  if (metrics.length === 0) return []
  const head = ['  metric', 'baseline', 'canary', '       worse │ no worse', 'verdict']
  const rows = metrics.map((metric): Cell[] => [
    `  ${metric.name}`,
    renderValue(metric.kind, metric.baseline.value),
    renderValue(metric.kind, metric.canary.value),
    drawGauge(metric.evidence, style) ?? describeStanding(metric),
    verdictOf(metric),
  ])
  return renderTable([head.map(dim(style)), ...rows], '<>><<', style)
}

const ALL_HEAD = ['  service', 'phase', 'step', 'canary', 'evidence', 'next']

function rowOf(service: ServiceJson, style: Style): Cell[] {
  const { name, phase, step, weights, etaSeconds } = service
  const canary = weights['canary']
  return [
    `  ${name}`,
    phase === null ? describeUnmoved(service) : { text: phase, paint: paintPhase(phase, style) },
    step === null || step.kind === null ? '-' : `${step.index + 1}/${step.of}`,
    canary === undefined ? '-' : `${drawBar(canary / 100, 10)} ${formatWeight(canary)}`,
    mostTelling(service.metrics, style),
    etaSeconds === null ? '-' : formatSeconds(etaSeconds),
  ]
}

function describeUnmoved(service: ServiceJson): string {
  if (service.winner !== null) return `${service.winner} won`
  return service.strategy === 'fixed' ? kindOfSplit(service) : 'not read yet'
}

/** The metric that is nearest to harm, where one is near; else the required one that lacks most of its proof. */
function mostTelling(metrics: readonly MetricJson[], style: Style): Cell {
  const harm = (m: MetricJson) =>
    m.verdict === 'failed' ? 1 : (evidenceShare(m.evidence.harm) ?? 0)
  const worst = metrics.toSorted((a, b) => harm(b) - harm(a))[0]
  if (worst !== undefined && harm(worst) >= ALARMING) {
    return { text: `${worst.name} worse ${Math.floor(harm(worst) * 100)} %`, paint: style.bad }
  }
  const open = metrics.flatMap((m) => {
    const share = evidenceShare(m.evidence.nonInferiority)
    return share === null || !m.required ? [] : [{ name: m.name, share }]
  })
  const slowest = open.toSorted((a, b) => a.share - b.share)[0]
  return slowest === undefined
    ? '-'
    : `${slowest.name} no worse ${Math.floor(slowest.share * 100)} %`
}

function renderDecisions(
  { decisions, services, now }: WatchFrame,
  style: Style,
): readonly string[] {
  const shown = decisions.slice(0, SHOWN_DECISIONS)
  if (shown.length === 0) return []
  const rows = shown.map(({ id, at, service, actor, action, summary, note }): Cell[] => [
    `  #${id}`,
    `${formatSeconds((now - Date.parse(at)) / 1000)} ago`,
    services.length === 1 ? actor : service,
    action,
    // By whom and what stands beside it already, and the end of a line is cut.
    note === null ? summary : `${note}: ${summary}`,
  ])
  const who = services.length === 1 ? 'by' : 'service'
  const head = ['  decision', 'when', who, 'action', 'summary'].map(dim(style))
  return renderTable([head, ...rows], '<<<<<', style)
}

function dim(style: Style): (text: string) => Cell {
  return (text) => ({ text, paint: style.dim })
}
