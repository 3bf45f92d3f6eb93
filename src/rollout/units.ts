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

/** Canary units drawn into the evidence since the attempt began. */
export function drawnCanaryUnits({ ratio }: Evidence): number {
  return ratio.starts[0]!.reduce((sum, stratum) => sum + stratum.canary, 0)
}

/**
 * Pairs judged in the state's mirror step: those that were compared where a disagreement decides, else all
 * of which both fates are known.
 */
export function stepPairs(
  plan: RolloutPlan,
  { pairs }: Evidence,
  state: Pick<RolloutState, 'step'>,
): number {
  if (pairs === undefined || pairs.step !== state.step) return 0
  return isCompared(plan) ? pairs.stepCounts.compared : pairs.stepCounts.pairs
}

/** Pairs of the state's mirror step that could not be compared, where a disagreement decides; 0 elsewhere. */
export function stepUnreadPairs(
  plan: RolloutPlan,
  { pairs }: Evidence,
  state: Pick<RolloutState, 'step'>,
): number {
  if (pairs === undefined || pairs.step !== state.step || !isCompared(plan)) return 0
  return pairs.stepCounts.pairs - pairs.stepCounts.compared
}

function isCompared({ pairTests }: RolloutPlan): boolean {
  return pairTests.some((t) => t.required && t.asks.of === 'disagreement')
}

/** Units of both sides drawn into the evidence since the attempt began. */
export function drawnUnits({ ratio }: Evidence): number {
  return ratio.starts[0]!.reduce((sum, stratum) => sum + stratum.total, 0)
}

/** Units drawn into the evidence per second since the attempt began, both sides; 0 before the first. */
export function judgedPerSecond(input: {
  readonly plan: RolloutPlan
  readonly state: Pick<RolloutState, 'startedAt'>
  readonly evidence: Evidence
  readonly now: number
}): number {
  const { plan, state, evidence, now } = input
  // Nothing is drawn into the evidence in the warm-up.
  const { warmUpMs } = plan.spec.analysis
  return drawnUnits(evidence) / Math.max(1, (now - state.startedAt - warmUpMs) / 1000)
}
