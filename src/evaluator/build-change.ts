import { isReplayed, type Cohort } from '../domain/cohort.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { draftDecision, type DraftContext } from '../rollout/draft-decision.ts'
import { hidePlanSecrets } from '../rollout/hide-secrets.ts'
import type { Transition } from '../rollout/transition.ts'
import type { Lease, RolloutChange } from '../store/store.ts'
import type { CohortChanges } from './pending-changes.ts'

/**
 * What a transition writes in one piece: the state where it is another one, its decision, and what was
 * folded since the last write. Where an attempt ends, its evidence goes instead.
 */
export function buildChange(
  transition: Transition,
  context: Omit<DraftContext, 'from'> & {
    /** As the store has it; null = not at all. */
    readonly stored: RolloutState | null
    /** As it is known here. */
    readonly known: RolloutState
    readonly lease: Lease
    readonly cohorts: CohortChanges
  },
): RolloutChange {
  const { state, decision, resetEvidence } = transition
  const { stored, lease, cohorts } = context
  const storedRevision = stored?.revision ?? null
  const change: Writable = { service: state.service, expectedRevision: storedRevision, lease }
  if (state.revision !== storedRevision) change.state = state
  const draft =
    decision === null
      ? null
      : draftDecision(transition, { ...context, from: stored ?? context.known })
  if (draft !== null) change.decision = draft
  const archived = resetEvidence ? [...cohorts.archive, ...lastOf(cohorts)] : cohorts.archive
  if (archived.length > 0 || resetEvidence) {
    // Whoever may read reads the archive, and judging it anew asks nobody.
    const plan = hidePlanSecrets(cohorts.plan)
    change.archive = { rollout: cohorts.rollout, plan, cohorts: archived }
  }
  if (resetEvidence) return { ...change, resetEvidence: true }
  change.evidence = cohorts.evidence
  change.putCohorts = cohorts.put
  change.dropCohorts = cohorts.drop
  change.putUnits = cohorts.units
  return change
}

type Writable = { -readonly [Key in keyof RolloutChange]: RolloutChange[Key] }

/** Where an attempt ends, what waits for labels has seen its last ones. */
function lastOf({ put }: CohortChanges): readonly Cohort[] {
  return put.filter(isReplayed)
}
