import type { ComparedMetric, Comparison, ComparisonVerdict } from '../domain/comparison.ts'
import type { EventEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { LogEvidence, MetricReport } from '../domain/verdict.ts'
import { betterId, type ComparisonPlan } from './experiment-plan.ts'
import type { FigureContext } from './figures.ts'
import { guardDiffers } from './guard-differs.ts'
import { judge } from './judge.ts'
import { missingOfCompared } from './missing-of-compared.ts'
import type { RolloutPlan } from './plan.ts'
import { judgedPerSecond } from './units.ts'

/** What a comparison is read with beside its evidence. */
export type ComparisonSight = {
  readonly now: number
  readonly latency: FigureContext['latency']
  /** As they are drawn for the two now; 0 = none are. Null or absent: as on average since the attempt began. */
  readonly unitsPerSecond?: number | null
}

/** The evidence on one challenger as verdicts, one for each hypothesis, and one over all. */
export function compareVariants(
  comparison: ComparisonPlan,
  state: RolloutState,
  evidence: Evidence,
  { now, latency, unitsPerSecond }: ComparisonSight,
): Comparison {
  const { plan, variant, weightBp, reportAlpha, ratioAlpha } = comparison
  const pi = weightBp / WHOLE_BP
  const reports = judge(plan, evidence, {
    ...{ limits: [], step: state.step, stepEnteredAt: state.stepEnteredAt, pi, reportAlpha },
    now,
    latency,
    unitsPerSecond: unitsPerSecond ?? judgedPerSecond({ plan, state, evidence, now }),
  })
  const reportOf = (id: string) => reports.find((r) => r.name === id)
  const better = new Set(plan.hypotheses.map(betterId))
  const metrics = plan.hypotheses
    .filter((h) => !better.has(h.id))
    .map((h) => {
      const [report, superior] = [reportOf(h.id)!, reportOf(betterId(h)) ?? null]
      return isGuard(h)
        ? guardMetric(h, report, evidence)
        : comparedMetric(plan, h, report, superior)
    })
  const required = metrics.filter((m) => m.report.required)
  const drawn = evidence.ratio.starts[0]!
  const challenger = drawn.reduce((sum, s) => sum + s.canary, 0)
  return {
    variant,
    metrics,
    verdict: overall(required.flatMap((m) => m.verdict ?? [])),
    units: { baseline: drawn.reduce((sum, s) => sum + s.total, 0) - challenger, challenger },
    expectedShare: pi,
    ratioMismatch: { log: evidence.ratio.sup, threshold: Math.log(1 / ratioAlpha) },
    // It costs a search; a scrape of many services does not ask for it.
    get etaSeconds() {
      return etaOf(required)
    },
  }
}

function comparedMetric(
  plan: RolloutPlan,
  hypothesis: Hypothesis,
  report: MetricReport,
  better: MetricReport | null,
): ComparedMetric {
  const superiority = better?.evidence.nonInferiority ?? null
  if (hypothesis.proof !== null) {
    const verdict = verdictOf(report, superiority)
    return {
      ...{ report, superiority, verdict },
      // It reads figures, which only people do.
      get missing() {
        return verdict === 'unknown' ? missingOfCompared(plan, hypothesis, report) : null
      },
    }
  }
  // Where nothing is to be proved (values above a cap, where higher is better) harm is all that can be said.
  const isWorse = report.required && report.verdict === 'failed'
  return { report, superiority, verdict: isWorse ? 'worse' : null, missing: null }
}

function isGuard({ source: { of } }: Hypothesis): boolean {
  return of === 'label-missing' || of === 'no-answer' || of === 'client-error'
}

function guardMetric(
  hypothesis: Hypothesis,
  report: MetricReport,
  { hypotheses }: Evidence,
): ComparedMetric {
  return {
    ...{ report, superiority: null, verdict: null, missing: null },
    get differs() {
      if (report.verdict === 'failed') return 'more'
      return guardDiffers(hypothesis, hypotheses[hypothesis.id] as EventEvidence)
    },
  }
}

// "Better" only after "no worse": that order is what lets it do without a share of α.
function verdictOf(report: MetricReport, superiority: LogEvidence | null): ComparisonVerdict {
  if (report.verdict === 'failed') return 'worse'
  if (report.verdict !== 'successful') return 'unknown'
  const isBetter = superiority !== null && superiority.log >= superiority.threshold
  return isBetter ? 'better' : 'no-worse'
}

function overall(verdicts: readonly ComparisonVerdict[]): ComparisonVerdict {
  if (verdicts.includes('worse')) return 'worse'
  if (verdicts.length === 0 || verdicts.includes('unknown')) return 'unknown'
  return verdicts.includes('better') ? 'better' : 'no-worse'
}

function etaOf(required: readonly ComparedMetric[]): number | null {
  const open = required.filter((m) => m.verdict === 'unknown').map((m) => m.report.etaSeconds)
  return open.length === 0 || open.includes(null) ? null : Math.max(...(open as number[]))
}
