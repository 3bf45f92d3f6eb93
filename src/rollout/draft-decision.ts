import type { DecisionDraft } from '../domain/decision.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { writeReport } from './write-report.ts'
import type { RolloutPlan } from './plan.ts'
import type { Transition } from './transition.ts'
import { percentsOf } from './weights.ts'

/** What was decided on: where from, by which plan, on which reports. */
export type DraftContext = {
  readonly plan: RolloutPlan
  readonly from: RolloutState
  readonly reports: readonly MetricReport[]
  readonly now: number
}

/**
 * A transition's decision as the log takes it: with where it led from and to, and its evidence. Where it begins an
 * attempt it has none: what was seen was seen of another one.
 */
export function draftDecision(
  { state, decision }: Transition,
  context: DraftContext,
): DecisionDraft | null {
  if (decision === null) return null
  const rollout = rolloutId(state)
  const isSame = rolloutId(context.from) === rollout
  const standing = (s: RolloutState) => ({ phase: s.phase, step: s.step, weights: percentsOf(s) })
  return {
    ...decision,
    at: context.now,
    service: context.plan.service,
    rollout,
    from: standing(context.from),
    to: standing(state),
    metrics: isSame ? context.reports.map(writeReport) : [],
    configHash: context.plan.configHash,
  }
}
