import type { Decision } from '../domain/decision.ts'
import { describePause } from '../domain/describe-pause.ts'
import type { StepSpec } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { describeConfirmation, lacksConfirmation } from './confirmation.ts'
import { etaOf, missingFor, type Missing } from './missing.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'
import { promotionCandidate } from './promotion-candidate.ts'

/** A rollout as people ask for it: its state with what the evidence says and what is still missing. */
export type RolloutView = {
  readonly state: RolloutState
  readonly steps: number
  /** Kind of the current step; null when no step is current (idle, promoted, rolled back). */
  readonly stepKind: StepSpec['kind'] | null
  readonly metrics: readonly MetricReport[]
  /** Sentences: what has to happen before the next step. Empty when nothing is missing. */
  readonly missing: readonly string[]
  readonly etaSeconds: number | null
  /** Units of both sides drawn into the evidence lately; null = not known. */
  readonly unitsPerSecond: number | null
  readonly lastDecision: Decision | null
}

/** Makes the view; `seen: null` = nothing was evaluated yet. */
export function viewOf(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation | null,
  lastDecision: Decision | null,
): RolloutView {
  const runs =
    state.phase === 'progressing' || state.phase === 'paused' || state.phase === 'watching'
  let found: readonly Missing[] | null = null
  const missing = () =>
    (found ??= seen !== null && isInStep(state) ? missingFor(plan, state, seen) : [])
  return {
    state,
    steps: plan.steps.length,
    stepKind: runs ? plan.steps[state.step]!.kind : null,
    metrics: seen?.reports ?? [],
    // Sentences and a search: a scrape of many services, and a look at them all, do not ask for them.
    get missing() {
      return (
        unconfirmed(plan, state, seen) ?? [...waitsFor(state), ...missing().map((m) => m.sentence)]
      )
    },
    get etaSeconds() {
      return etaOf(missing())
    },
    unitsPerSecond: seen?.unitsPerSecond ?? null,
    lastDecision,
  }
}

// Of the pauses, those that are steps themselves.
function isInStep(state: RolloutState): boolean {
  if (state.phase === 'progressing') return true
  return state.phase === 'paused' && (state.pausedBy === 'approval' || state.pausedBy === 'timer')
}

// When a yes alone is missing, a pause that has passed and evidence that is not waited for are none.
function unconfirmed(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation | null,
): string[] | null {
  if (seen === null || !lacksConfirmation(plan, seen)) return null
  return promotionCandidate(plan, state, seen) === null ? null : [describeConfirmation(seen)]
}

function waitsFor(state: RolloutState): string[] {
  if (state.phase === 'idle') {
    return state.idleReason === 'manual-start'
      ? ['somebody has to start it: `promote`']
      : ['the canary is not ready: none of its upstreams can be reached']
  }
  if (state.phase !== 'paused') return []
  switch (state.pausedBy) {
    case 'approval':
      return ['an approval: `promote`']
    case 'timer':
      return ['the pause has to pass, or `promote`']
    default: {
      const ends =
        state.pausedMetric === null
          ? '`resume`, `promote` or `abort`'
          : '`abort`, `resume` or `promote`'
      return [`paused ${describePause(state.pausedBy, state.pausedMetric)}: ${ends}`]
    }
  }
}
