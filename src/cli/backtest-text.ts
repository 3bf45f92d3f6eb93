import { formatCount, formatPercent, formatWeight } from '../rollout/format.ts'
import type { BacktestReport, DecisionLine } from './backtest-report.ts'
import { renderTime, renderTimeSince } from './render-command.ts'
import { renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/** Builds the lines of a backtest: what was decided and what would have been, side by side, and where they part. */
export function renderBacktest(report: BacktestReport, style: Style): readonly string[] {
  const { width } = style
  const name = report.rules ?? 'the same rules'
  const span = `${formatCount(report.cohorts)} cohorts, ${renderTime(report.from)} to ${renderTimeSince(report.to, report.from)}`
  return [
    `${style.bold(report.service)}  ${report.rollout}  ${span}`,
    ...(report.evicted === 0
      ? []
      : renderLabelled(
          'not kept',
          `the first ${formatCount(report.evicted)} cohorts: their evidence is missing here`,
          width,
        )),
    ...renderFidelity(report, width),
    ...renderUnanswered(report, width),
    '',
    ...renderTable(
      [
        ['  time', 'recorded', `under ${name}`].map((text) => ({ text, paint: style.dim })),
        ...report.decisions.map((row): Cell[] => [
          `  ${renderTimeSince(row.at, report.from)}`,
          cellOf(row.recorded, style),
          cellOf(row.replayed, style, isEarliest(report, row.replayed)),
        ]),
      ],
      '<<<',
      style,
    ),
    '',
    ...renderEnd(report, name, width),
  ]
}

/** Builds the lines that say how well a record answers each metric. */
export function renderFidelity(
  { metrics }: Pick<BacktestReport, 'metrics'>,
  width: number,
): readonly string[] {
  const exact = metrics.filter((m) => m.fidelity === 'exact').map((m) => m.name)
  const rest = metrics.filter((m) => m.fidelity !== 'exact')
  return [
    ...(exact.length === 0 ? [] : renderLabelled('exact', exact.join(', '), width)),
    ...rest.flatMap(({ name, fidelity, note, gap }) => {
      const within =
        gap === 0 ? '' : ` (its odds are at most ${formatPercent(Math.expm1(gap))} too high)`
      const words = fidelity === 'approximate' ? 'about' : 'left out'
      return renderLabelled(words, `${name}: ${note}${within}`, width)
    }),
  ]
}

function renderUnanswered({ unanswered }: BacktestReport, width: number): readonly string[] {
  if (unanswered.length === 0) return []
  const text = `${unanswered.join(', ')}: a promotion needs it, and it is left out. In life an advance or a promotion comes no sooner than here, and may never`
  return renderLabelled('earliest', text, width)
}

/** Whether a decision of the evidence went without some that it would have waited for. */
function isEarliest(
  { unanswered }: BacktestReport,
  line: BacktestReport['decisions'][number]['replayed'],
): boolean {
  const gives = line?.action === 'advance' || line?.action === 'promote'
  return unanswered.length > 0 && gives && line.byEvidence
}

function cellOf(line: DecisionLine | null, style: Style, isEarliest = false): Cell {
  if (line === null) return { text: '-', paint: style.dim }
  const weight = formatWeight(line.to.weights['canary'] ?? 0)
  const text = `${line.action} (${line.reason}) ${weight}${isEarliest ? ', at the earliest' : ''}`
  if (line.action === 'rollback') return { text, paint: style.bad }
  return line.action === 'promote' ? { text, paint: style.good } : text
}

function renderEnd(report: BacktestReport, name: string, width: number): readonly string[] {
  const { differsFrom, otherWeightsFrom, refused, end } = report
  const given = report.decisions.find((d) => d.replayed === null)?.recorded
  const instead = report.decisions.find((d) => d.recorded === null)?.replayed
  const standing = `${end.phase} at ${formatWeight(end.weights['canary'] ?? 0)}`
  const time = (at: string) => renderTimeSince(at, report.from)
  const runs = end.phase === 'progressing' || end.phase === 'paused'
  return [
    ...(differsFrom === null
      ? renderLabelled('same', `under ${name} every decision is the one that was made`, width)
      : renderLabelled('differs', `from ${time(differsFrom)} on`, width)),
    ...(given == null ? [] : renderLabelled('recorded', given.summary, width)),
    ...(instead == null ? [] : renderLabelled('instead', instead.summary, width)),
    ...renderLabelled(
      'end',
      runs ? `${standing} when the record ends at ${time(end.at)}` : `${standing}, ${time(end.at)}`,
      width,
    ),
    ...(otherWeightsFrom === null
      ? []
      : renderLabelled(
          'about',
          `from ${time(otherWeightsFrom)} on the traffic was split by other weights than these rules would have set: its evidence holds, its pace is not theirs`,
          width,
        )),
    ...refused.flatMap((sentence) => renderLabelled('refused', sentence, width)),
  ]
}
