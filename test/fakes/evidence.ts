import type { BetTally, Cohort, EventTally, Pair } from '../../src/domain/cohort.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import { isContinuous } from '../../src/domain/hypothesis.ts'
import { emptyDriftTally } from '../../src/metrics/drift-book.ts'
import { emptyBetTally, emptyEventTally } from '../../src/metrics/tally.ts'
import { foldAssignments, foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'

/** A judged cohort of `plan` without observations; `change` replaces parts of it. */
export function cohort(plan: RolloutPlan, change: Partial<Cohort> = {}): Cohort {
  const terms = change.terms ?? { thresholds: {}, bets: {}, caps: {} }
  const tallies = plan.hypotheses.map((h) => [
    h.id,
    h.source.of === 'drift'
      ? emptyDriftTally(h.id, terms)
      : isContinuous(h.source)
        ? emptyBetTally(h.source.of)
        : emptyEventTally(plan.keyed),
  ])
  return {
    number: 1,
    rollout: '1.4->2.0#1',
    step: 0,
    pi: 0.2,
    epoch: 0,
    judged: true,
    openedAt: 0,
    closedAt: 1000,
    terms,
    assigned: [0, 0],
    observed: change.assigned ?? [0, 0],
    ...change,
    tallies: { ...Object.fromEntries(tallies), ...change.tallies },
  }
}

/** `trials` units with `events` events, each of them harm and proof alike. */
export function events(trials: Pair, happened: Pair): EventTally {
  return { kind: 'event', trials, events: happened, harmEvents: [...happened], harmUnits: null }
}

/** `n` values of mean `mean` and variance `variance` on each side, with log-wealths. */
export function bets(n: Pair, mean: Pair, variance: number, harm = 0, proof = 0): BetTally {
  const both = (of: (side: 0 | 1) => number): Pair => [of(0), of(1)]
  return {
    kind: 'bet',
    n,
    sum: both((side) => n[side] * mean[side]),
    sumSq: both((side) => n[side] * (mean[side] ** 2 + variance)),
    harm: Array.from({ length: 7 }, () => harm),
    proof: Array.from({ length: 7 }, () => proof),
  }
}

/** What the plan's hypotheses and the ratio test know after these cohorts. */
export function evidenceOf(
  plan: RolloutPlan,
  cohorts: readonly Cohort[],
  change: Partial<Evidence> = {},
): Evidence {
  const none = { ...emptyEvidence('1.4->2.0#1', plan.hypotheses, 1), ...change }
  return cohorts.reduce((before, each) => {
    const counted = foldAssignments(before, each)
    return plan.hypotheses.reduce(
      (evidence, h) => foldHypothesis(evidence, h, each, () => [[], []]),
      counted,
    )
  }, none)
}
