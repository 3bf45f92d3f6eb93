import { formatCount, formatNumber, formatPercent } from '../rollout/format.ts'
import { formatSeconds, renderLabelled, renderTable, type Cell, type Style } from './render.ts'
import type { EndReport, SyntheticReport } from './synthetic-report.ts'

/** Builds the lines of a report on made-up traffic; `traffic` says in words what it was like. */
export function renderSynthetic(
  report: SyntheticReport,
  traffic: readonly string[],
  style: Style,
): readonly string[] {
  const { width } = style
  const runs = `${formatCount(report.runs)} rollouts under ${report.rules} (seed ${report.seed})`
  const head = ['  end', 'rollouts', 'share', '95 % interval', 'p50', 'p80']
  return [
    `${style.bold(report.service)}  ${runs}`,
    ...renderUntimed(report, width),
    ...renderLabelled('traffic', traffic.join('; '), width),
    ...report.leftOut.flatMap(({ metric, what }) =>
      renderLabelled('left out', `${metric}: ${what}`, width),
    ),
    '',
    ...renderTable(
      [
        head.map((text) => ({ text, paint: style.dim })),
        ...report.ends.map((end): Cell[] => rowOf(end, style)),
      ],
      '<>>>>>',
      style,
    ),
    '',
    ...report.ends.flatMap((end) => renderWhere(end, width)),
  ]
}

/** What decides and is not drawn stands first: all that follows is without it. */
function renderUntimed({ leftOut }: SyntheticReport, width: number): readonly string[] {
  const awaited = leftOut.filter(({ decides }) => decides)
  if (awaited.length === 0) return []
  const names = awaited.map(({ metric, what }) => `${metric} (${what})`).join(', ')
  const text = `${names}: a promotion waits for it, and none of it is drawn. So this does not say when a canary is promoted, nor what of it is rolled back by that`
  return renderLabelled('without', text, width)
}

function rowOf(end: EndReport, style: Style): Cell[] {
  const paints = { promoted: style.good, 'rolled-back': style.bad } as const
  const paint = end.end === 'promoted' || end.end === 'rolled-back' ? paints[end.end] : String
  const time = (seconds: number | null) => (seconds === null ? '-' : formatSeconds(seconds))
  return [
    { text: `  ${end.end}`, paint },
    formatCount(end.count),
    formatPercent(end.share),
    `${formatPercent(end.lower)} to ${formatPercent(end.upper)}`,
    time(end.p50Seconds),
    time(end.p80Seconds),
  ]
}

function renderWhere(
  { end, count, reasons, weights }: EndReport,
  width: number,
): readonly string[] {
  if (count === 0) return []
  const at = weights
    .map((w) => `${formatCount(w.count)} at ${formatNumber(w.percent)} %`)
    .join(', ')
  const by = reasons
    .map((r) => (reasons.length === 1 ? r.reason : `${r.reason} ${formatCount(r.count)}`))
    .join(', ')
  return renderLabelled('how', `${end} by ${by}: ${at}`, width)
}
