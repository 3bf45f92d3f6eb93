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
  const { state, resetEvidence } = transition
  const { stored, lease, cohorts } = context
  const draft = draftDecision(transition, { ...context, from: stored ?? context.known })
  const storedRevision = stored?.revision ?? null
  // Where an attempt ends, what waits for labels has seen its last ones.
  const last = cohorts.put.filter((c) => c.mirrored !== true)
  const archived = resetEvidence ? [...cohorts.archive, ...last] : cohorts.archive
  return {
    service: state.service,
    expectedRevision: storedRevision,
    lease,
    ...(state.revision === storedRevision ? {} : { state }),
    ...(draft === null ? {} : { decision: draft }),
    ...(archived.length === 0 && !resetEvidence
      ? {}
      : {
          // Whoever may read reads the archive, and judging it anew asks nobody.
          archive: {
            rollout: cohorts.rollout,
            plan: hidePlanSecrets(cohorts.plan),
            cohorts: archived,
          },
        }),
    ...(resetEvidence
      ? { resetEvidence: true }
      : {
          evidence: cohorts.evidence,
          putCohorts: cohorts.put,
          dropCohorts: cohorts.drop,
          putUnits: cohorts.units,
        }),
  }
}
