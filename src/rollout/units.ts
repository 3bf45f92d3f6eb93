import { CANARY_SIDE } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from './plan.ts'

/**
 * Canary units whose outcome is folded in the state's step. Every judged unit has an outcome, so any
 * hypothesis on outcomes tells; without one (label metrics only) the draws themselves do.
 */
export function stepCanaryUnits(
  plan: RolloutPlan,
  evidence: Evidence,
  state: Pick<RolloutState, 'step'>,
): number {
  for (const { id, source } of plan.hypotheses) {
    const found = evidence.hypotheses[id]!
    if (found.kind !== 'event' || (source.of !== 'failure' && source.of !== 'no-answer')) continue
    return found.step === state.step ? found.stepTrials[CANARY_SIDE] : 0
  }
  const strata = evidence.ratio.starts[evidence.stepStart] ?? []
  return strata.reduce((sum, stratum) => sum + stratum.canary, 0)
}

/** Units of both sides drawn per second since the attempt began. */
export function unitsPerSecond(
  evidence: Evidence,
  state: Pick<RolloutState, 'startedAt'>,
  now: number,
): number {
  const units = evidence.ratio.starts[0]!.reduce((sum, s) => sum + s.total, 0)
  return units / Math.max(1, (now - state.startedAt) / 1000)
}
