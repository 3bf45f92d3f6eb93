import { isMismatched, type Comparison, type ComparisonVerdict } from '../domain/comparison.ts'
import { bpToPercent } from '../domain/units.ts'
import type { ExperimentState } from './experiment.ts'
import type { ExperimentPlan } from './experiment-plan.ts'
import type { ExperimentTransition } from './experiment-record.ts'
import { formatPercent, formatValue, formatWeight } from './format.ts'
import { EVALUATOR, move } from './transition.ts'

/** What has been told of an attempt: the last verdict of each challenger. */
type Told = Readonly<Record<string, ComparisonVerdict>>

/**
 * The decision that tells of a challenger's verdict over all, once for each verdict; null = there is nothing new. It moves
 * nothing: what has been told is all that changes in the state. Where the split is not as drawn no verdict is told, since
 * none is to be relied on; one that is taken back (not known any more) is no news, and neither is its return.
 */
export function tellVerdict(
  plan: ExperimentPlan,
  state: ExperimentState,
  comparisons: readonly Comparison[],
): ExperimentTransition | null {
  const told = toldIn(state)
  const news = comparisons.find(
    (c) => c.verdict !== 'unknown' && c.verdict !== told[c.variant] && !isMismatched(c),
  )
  if (news === undefined) return null
  const { variant, verdict } = news
  const holdReason = JSON.stringify({ ...told, [variant]: verdict })
  const { reason, by } = describeBy(news)
  const kept = formatWeight(bpToPercent(plan.weightsBp[variant]!))
  const summary = `${variant} (${plan.versions[variant]!}) is shown to be ${WORDS[verdict]}${by}; it keeps its ${kept}, since nothing moves a fixed split by itself`
  const seed = { action: 'verdict', reason, actor: EVALUATOR, note: null, summary } as const
  const moved = move(state, { phase: 'progressing' }, { holdReason }, seed)
  return { ...moved, ended: null, about: variant }
}

// Stored in the one field of a state that says what was said already.
function toldIn({ holdReason }: ExperimentState): Told {
  return holdReason === null ? {} : (JSON.parse(holdReason) as Told)
}

const WORDS: Readonly<Record<ComparisonVerdict, string>> = {
  worse: 'worse than the baseline',
  better: 'better than the baseline',
  'no-worse': 'no worse than the baseline',
  unknown: 'not known yet',
}

/** The metrics that a verdict is by, with their values; of no worse, the margins that all of them keep. */
function describeBy({ verdict, metrics }: Comparison): {
  readonly reason: string
  readonly by: string
} {
  const saying = metrics.filter((m) => m.report.required && m.verdict === verdict)
  const parts = saying.map(({ report: { name, kind, baseline, canary, margins, slow } }) => {
    if (verdict === 'no-worse') return `${name} within ${formatPercent(margins!.proof!)}`
    // What is compared of a latency is not its milliseconds.
    return slow === undefined
      ? `${name}, ${formatValue(kind, canary.value)} against ${formatValue(kind, baseline.value)}`
      : `${name}, ${formatValue('share', slow.canary)} slow or failed against ${formatValue('share', slow.baseline)}`
  })
  const by = verdict === 'no-worse' ? `: ${parts.join(', ')}` : ` by ${parts.join('; ')}`
  return { reason: verdict === 'no-worse' ? 'no-worse' : saying[0]!.report.name, by }
}
