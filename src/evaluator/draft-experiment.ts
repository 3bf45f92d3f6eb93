import type { ExperimentRecord } from '../domain/decision.ts'
import {
  draftExperimentDecision,
  experimentId,
  winnerOf,
  type ExperimentState,
} from '../rollout/experiment.ts'
import type { ExperimentPlan } from '../rollout/experiment-plan.ts'
import { writeExperiment, type ExperimentTransition } from '../rollout/experiment-record.ts'
import type { ComparisonCycle } from './comparison-cycle.ts'

/** A fixed split as it is while something is decided on it. */
type Deciding = {
  readonly plan: ExperimentPlan
  readonly state: ExperimentState
  /** As the store has it; null = not at all. */
  readonly stored: ExperimentState | null
  readonly comparisons: readonly ComparisonCycle[]
  readonly now: number
}

/** A fixed split's decision as the log takes it, with what its comparisons say; null = nothing is decided. */
export function draftExperiment(
  transition: ExperimentTransition,
  deciding: Deciding,
): ReturnType<typeof draftExperimentDecision> {
  const { plan, state, stored, comparisons, now } = deciding
  // Else the variant that it gives the traffic to, or takes it from.
  const about = transition.about ?? winnerOf(plan, transition.state) ?? winnerOf(plan, state)
  const compared = comparisons.find(({ variant }) => variant === about)
  return draftExperimentDecision(transition, {
    ...{ plan, from: stored ?? state, now },
    metrics: compared?.report(now).metrics.map((m) => m.report) ?? [],
    experiment: writeExperiment(transition.ended ?? recordOf(deciding)),
  })
}

function recordOf({ plan, state, comparisons, now }: Deciding): ExperimentRecord {
  const { startedAt } = state
  return {
    id: experimentId(plan, state),
    startedAt,
    comparisons: comparisons.map((c) => c.report(now)),
  }
}
