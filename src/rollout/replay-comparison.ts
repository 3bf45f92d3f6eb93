import type { Cohort } from '../domain/cohort.ts'
import type { Comparison, ComparisonVerdict } from '../domain/comparison.ts'
import { compareVariants } from './compare-variants.ts'
import { comparisonState } from './experiment.ts'
import type { ComparisonPlan } from './experiment-plan.ts'
import { fidelities, withoutUnrecorded, type Fidelity } from './fidelity.ts'
import type { RolloutPlan } from './plan.ts'
import { Rehearsal } from './rehearsal.ts'

/** What is kept of one challenger's attempt. */
export type ComparisonRecord = {
  /** `1->2-large#1` */
  readonly rollout: string
  /** What it was judged by. */
  readonly plan: RolloutPlan
  /** In assignment order, at least one. */
  readonly cohorts: readonly Cohort[]
  /** Up to when this is all there is; ms since the epoch. */
  readonly until: number
}

/** A verdict, and since when it has stood; ms since the epoch. */
export type StandingVerdict = {
  readonly verdict: ComparisonVerdict
  readonly since: number
}

/** A challenger as other rules would have judged it. */
export type ReplayedComparison = {
  /** What the evidence says at the end of the record. */
  readonly comparison: Comparison
  readonly overall: StandingVerdict
  /** By metric; what is not compared is left out. */
  readonly verdicts: Readonly<Record<string, StandingVerdict>>
  readonly fidelities: readonly (Fidelity & {
    /** How much less the log-evidence can be, where it was bet on anew. */
    readonly gap: number
  })[]
}

const UNSEEN = { value: null, n: 0 }

/**
 * Judges a recorded challenger again, under `rules`: the same fold and the same verdicts, at the moments at
 * which anything could change. Under the rules that it was judged by, its own verdicts come out again. `onPassed` is
 * told again and again how many cohorts it has come past.
 */
export function replayComparison(
  { rollout, plan: recorded, cohorts, until }: ComparisonRecord,
  rules: ComparisonPlan,
  onPassed: (cohorts: number) => void = () => undefined,
): ReplayedComparison {
  const found = fidelities(recorded, rules.plan, cohorts)
  const plan = withoutUnrecorded(rules.plan, found)
  const judged = { ...rules, plan }
  const startedAt = cohorts[0]!.openedAt
  const attempt = Number(rollout.slice(rollout.lastIndexOf('#') + 1))
  const state = comparisonState(judged, { attempt, startedAt }, 0)
  const rebet = new Set(found.filter((f) => f.rebet).map((f) => f.id))
  const rehearsal = new Rehearsal(plan, state, rollout, { rebet, boundsGaps: true })
  const compareAt = (now: number) =>
    compareVariants(judged, state, rehearsal.evidence, { now, latency: () => UNSEEN })

  let overall: StandingVerdict = { verdict: 'unknown', since: startedAt }
  const verdicts: Record<string, StandingVerdict> = {}
  let opened = 0
  for (const now of momentsOf(plan, cohorts, until)) {
    for (; opened < cohorts.length && cohorts[opened]!.openedAt <= now; opened++) {
      const startsBlock = opened > 0 && cohorts[opened]!.epoch > cohorts[opened - 1]!.epoch
      rehearsal.open(cohorts[opened]!, startsBlock)
    }
    onPassed(opened)
    if (!rehearsal.fold(now)) continue
    const seen = compareAt(now)
    overall = standing(overall, seen.verdict, now)
    for (const { report, verdict } of seen.metrics) {
      if (verdict === null) continue
      verdicts[report.name] = standing(verdicts[report.name], verdict, now)
    }
  }
  return {
    comparison: compareAt(until),
    overall,
    verdicts,
    fidelities: found.map((f) => ({ ...f, gap: rehearsal.gap(f.id) })),
  }
}

function standing(
  before: StandingVerdict | undefined,
  verdict: ComparisonVerdict,
  now: number,
): StandingVerdict {
  return before?.verdict === verdict ? before : { verdict, since: now }
}

/** When a cohort settles, and when a window of it is over; in order, each once. */
function momentsOf(
  { hypotheses }: RolloutPlan,
  cohorts: readonly Cohort[],
  until: number,
): readonly number[] {
  const windows = new Set(
    hypotheses.flatMap((h) => ('windowMs' in h.source ? h.source.windowMs : [])),
  )
  const moments = new Set<number>()
  for (const { closedAt, settledAt } of cohorts) {
    const settled = settledAt ?? closedAt!
    moments.add(settled)
    for (const windowMs of windows) moments.add(Math.max(settled, closedAt! + windowMs))
  }
  return [...moments].filter((at) => at <= until).sort((a, b) => a - b)
}
