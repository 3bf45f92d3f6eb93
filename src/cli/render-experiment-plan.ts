import type {
  ChallengedMetricJson,
  ComparisonPlanJson,
  ExperimentPlanJson,
} from '../admin/present-experiment-plan.ts'
import type { TimesJson } from '../admin/present-plan.ts'
import { formatNumber, formatPercent, formatRate } from '../rollout/format.ts'
import { describeBaseline, formatMargin, formatRange, formatTime } from './render-plan.ts'
import { renderLabelled, renderTable, type Style } from './render.ts'

/** As many challengers as a terminal is wide enough for. */
const IN_A_TABLE = 3

/** Builds the lines of `plan` about an experiment: what each answer takes, by metric and challenger. */
export function renderExperimentPlan(plan: ExperimentPlanJson, style: Style): readonly string[] {
  const { service, baselineVersion, comparisons, suggestions } = plan
  const { unit, unitsPerSecond, trafficFrom } = plan
  const traffic = `${formatRate(unitsPerSecond, unit === 'key')} (${trafficFrom})`
  const versions = [baselineVersion, ...comparisons.map(({ version }) => version)].join(' vs ')
  const [first] = comparisons
  return [
    `${style.bold(service)}  ${versions}  ${traffic}`,
    ...renderTable(challengerRows(comparisons), '<>>><', style),
    ...(first!.metrics.length === 0 ? [] : chunksOf(comparisons)).flatMap((chunk) => [
      ...table('To show an equal challenger no worse, half and four of five take', chunk, style, {
        head: 'margin',
        change: formatMargin,
        times: ({ prove }) => prove,
      }),
      ...table('To see a challenger that is worse', chunk, style, {
        head: 'worse by',
        change: ({ regression }) => formatPercent(regression),
        times: ({ name, see }) => (name.includes('/') ? null : see),
      }),
      ...table('To show a challenger that is better', chunk, style, {
        head: 'better by',
        change: ({ improvement }) => formatPercent(improvement),
        times: ({ better }) => better,
      }),
    ]),
    '',
    ...suggestions.flatMap((text, index) =>
      renderLabelled(index === 0 ? 'to halve' : 'or', text, style.width),
    ),
    ...renderLabelled('baseline', describeBaseline(plan), style.width),
  ]
}

function challengerRows(comparisons: readonly ComparisonPlanJson[]): string[][] {
  return [
    ['  challenger', 'weight', 'p50', 'p80', 'takes longest'],
    ...comparisons.map(({ variant, weight, p50Seconds, p80Seconds, slowest }) => [
      `  ${variant}`,
      `${formatNumber(weight)} %`,
      formatTime(p50Seconds),
      formatTime(p80Seconds),
      slowest ?? 'no metric decides',
    ]),
  ]
}

type Question = {
  readonly head: string
  readonly change: (metric: ChallengedMetricJson) => string
  /** Null = it is not asked of this metric. */
  readonly times: (metric: ChallengedMetricJson) => TimesJson | null
}

function table(
  title: string,
  comparisons: readonly ComparisonPlanJson[],
  style: Style,
  { head, change, times }: Question,
): readonly string[] {
  const rows = comparisons[0]!.metrics.flatMap((metric, row) => {
    const cells = comparisons.map(({ metrics }) => times(metrics[row]!))
    if (cells.includes(null)) return []
    return [[`  ${metric.name}`, change(metric), ...cells.map((cell) => formatRange(cell!))]]
  })
  const heads = ['  metric', head, ...comparisons.map(({ variant }) => variant)]
  return ['', title, ...renderTable([heads, ...rows], `<>${'>'.repeat(comparisons.length)}`, style)]
}

function chunksOf(
  comparisons: readonly ComparisonPlanJson[],
): readonly (readonly ComparisonPlanJson[])[] {
  const count = Math.ceil(comparisons.length / IN_A_TABLE)
  return Array.from({ length: count }, (_, chunk) =>
    comparisons.slice(chunk * IN_A_TABLE, (chunk + 1) * IN_A_TABLE),
  )
}
