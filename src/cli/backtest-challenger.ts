import { presentComparison, type ComparisonJson } from '../admin/present-comparison.ts'
import type { AttemptJson } from '../admin/present-cohort.ts'
import type { ComparisonVerdict } from '../domain/comparison.ts'
import { isBetterId } from '../rollout/experiment-plan.ts'
import { formatCount } from '../rollout/format.ts'
import type { ReplayedComparison, StandingVerdict } from '../rollout/replay-comparison.ts'
import type { JudgedMetric } from './backtest-report.ts'
import { renderFidelity } from './backtest-text.ts'
import { renderTime, renderTimeSince } from './render-command.ts'
import { VERDICT_WORDS } from './render-comparison.ts'
import { renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/** What a backtest of an experiment found, as `-o json` prints it. Times are ISO 8601. */
export type ExperimentBacktestReport = {
  readonly service: string
  /** The file of the rules; null = those that the challengers were judged by. */
  readonly rules: string | null
  readonly challengers: readonly {
    readonly variant: string
    readonly rollout: string
    readonly cohorts: number
    /** Cohorts that are not kept any more: their evidence is missing. */
    readonly evicted: number
    readonly from: string
    readonly to: string
    readonly metrics: readonly JudgedMetric[]
    /** Under the rules that it was judged by. */
    readonly recorded: JudgedAgain
    /** Under those of the file; null = no file was given. */
    readonly replayed: JudgedAgain | null
  }[]
}

/** A challenger's verdicts, and since when each has stood. */
type JudgedAgain = {
  readonly verdict: ComparisonVerdict
  readonly since: string
  readonly metrics: readonly {
    readonly name: string
    readonly verdict: ComparisonVerdict
    readonly since: string
  }[]
  /** At the end of the record. */
  readonly comparison: ComparisonJson
}

/** Builds the report of one challenger. */
export function buildChallengerReport(
  { rollout, evicted, from, to }: AttemptJson,
  cohorts: number,
  judged: {
    readonly variant: string
    readonly recorded: ReplayedComparison
    readonly replayed: ReplayedComparison | null
  },
): ExperimentBacktestReport['challengers'][number] {
  const { variant, recorded, replayed } = judged
  const { fidelities } = replayed ?? recorded
  return {
    ...{ variant, rollout, cohorts, evicted, from, to },
    metrics: fidelities
      .filter(({ id }) => !isBetterId(id))
      .map(({ id, kind, note, gap }) => ({ name: id, fidelity: kind, note, gap })),
    recorded: present(recorded),
    replayed: replayed === null ? null : present(replayed),
  }
}

/** Builds the lines of an experiment's backtest: for each challenger its verdicts, side by side. */
export function renderChallengers(
  { service, rules, challengers }: ExperimentBacktestReport,
  style: Style,
): readonly string[] {
  const heads = rules === null ? ['recorded'] : ['recorded', `under ${rules}`]
  return challengers.flatMap((challenger, index) => {
    const { variant, rollout, cohorts, evicted, from, to, recorded, replayed } = challenger
    const columns = replayed === null ? [recorded] : [recorded, replayed]
    const names = [...new Set(columns.flatMap((c) => c.metrics.map((m) => m.name)))]
    const span = `${formatCount(cohorts)} cohorts, ${renderTime(from)} to ${renderTimeSince(to, from)}`
    const row = (name: string, find: (of: JudgedAgain) => StandingIso | undefined): Cell[] => [
      `  ${name}`,
      ...columns.map((column) => cellOf(find(column), from, style)),
    ]
    return [
      ...(index === 0 ? [] : ['']),
      `${style.bold(service)}  ${style.bold(variant)}  ${rollout}  ${span}`,
      ...(evicted === 0
        ? []
        : renderLabelled(
            'not kept',
            `the first ${formatCount(evicted)} cohorts: their evidence is missing here`,
            style.width,
          )),
      ...renderFidelity(challenger, style.width),
      ...renderTable(
        [
          ['  metric', ...heads].map((text) => ({ text, paint: style.dim })),
          ...names.map((name) => row(name, (of) => of.metrics.find((m) => m.name === name))),
          row('in all', (of) => of),
        ],
        '<'.repeat(1 + columns.length),
        style,
      ),
    ]
  })
}

type StandingIso = { readonly verdict: ComparisonVerdict; readonly since: string }

function cellOf(standing: StandingIso | undefined, from: string, style: Style): Cell {
  if (standing === undefined) return { text: '-', paint: style.dim }
  const { verdict, since } = standing
  if (verdict === 'unknown') return VERDICT_WORDS[verdict]
  const text = `${VERDICT_WORDS[verdict]} since ${renderTimeSince(since, from)}`
  return { text, paint: verdict === 'worse' ? style.bad : style.good }
}

function present({ comparison, overall, verdicts }: ReplayedComparison): JudgedAgain {
  return {
    ...iso(overall),
    metrics: Object.entries(verdicts).map(([name, standing]) => ({ name, ...iso(standing) })),
    comparison: presentComparison(comparison),
  }
}

function iso({ verdict, since }: StandingVerdict): StandingIso {
  return { verdict, since: new Date(since).toISOString() }
}
