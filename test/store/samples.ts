import type { Cohort } from '../../src/domain/cohort.ts'
import type { DecisionDraft } from '../../src/domain/decision.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { RolloutCommon, RolloutPhase, RolloutState } from '../../src/domain/rollout-state.ts'
import type { Lease, RolloutChange, Store } from '../../src/store/store.ts'

export const SERVICE = 'credit-risk'

export function sampleState(
  change: Partial<RolloutCommon> = {},
  phase: RolloutPhase = { phase: 'progressing' },
): RolloutState {
  return {
    service: SERVICE,
    baselineVersion: '1.4',
    canaryVersion: '2.0',
    attempt: 1,
    revision: 1,
    step: 0,
    weightBp: 500,
    startedAt: 1000,
    stepEnteredAt: 1000,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash: 'abc',
    fingerprint: { steps: 's', analysis: 'a' },
    ...change,
    ...phase,
  }
}

export function sampleDecision(change: Partial<DecisionDraft> = {}): DecisionDraft {
  const standing = { phase: 'progressing', step: 0, weights: { baseline: 95, canary: 5 } } as const
  return {
    at: 1000,
    service: SERVICE,
    rollout: '1.4->2.0#1',
    action: 'advance',
    reason: 'gates',
    actor: 'evaluator',
    summary: 'no harm in 1,000 requests',
    note: null,
    from: standing,
    to: standing,
    metrics: [],
    configHash: 'abc',
    ...change,
  }
}

export function sampleEvidence(change: Partial<Evidence> = {}): Evidence {
  return {
    rollout: '1.4->2.0#1',
    starts: [0],
    stepStart: 0,
    hypotheses: {},
    ratio: { foldedThrough: -1, starts: [[]], sup: 0 },
    caps: {},
    limitTicks: {},
    measurements: {},
    ...change,
  }
}

export function sampleCohort(number: number, change: Partial<Cohort> = {}): Cohort {
  return {
    number,
    rollout: '1.4->2.0#1',
    step: 0,
    pi: 0.05,
    epoch: 0,
    judged: true,
    openedAt: 1000 + number,
    closedAt: null,
    terms: { thresholds: {}, bets: {}, caps: {} },
    assigned: [19, 1],
    observed: [19, 1],
    tallies: {},
    ...change,
  }
}

export function samplePrediction(change: Partial<Prediction> = {}): Prediction {
  return {
    service: SERVICE,
    requestId: 'r-1',
    value: 3.5,
    at: 1000,
    rollout: '1.4->2.0#1',
    cohort: 17_953_172_731,
    side: 1,
    variant: 'canary',
    unit: null,
    ...change,
  }
}

/** Commits with a lease of its own making; `revision` and `expectedRevision` follow each other. */
export async function commit(
  store: Store,
  lease: Lease,
  expectedRevision: number | null,
  change: Partial<RolloutChange> = {},
) {
  const service = change.service ?? SERVICE
  const state = sampleState({ service, revision: (expectedRevision ?? 0) + 1 })
  return store.commit({ service, expectedRevision, lease, state, ...change })
}

/** The lease of a store that nobody else uses. */
export async function takeLease(store: Store, holder = 'one'): Promise<Lease> {
  const lease = await store.acquireLease(holder, 10_000, 0)
  if (lease === null) throw new Error('somebody else holds the lease')
  return lease
}

/** Another holder takes the lease: the time of `old` is over. */
export async function succeedLease(store: Store, { holder }: Lease, next: string): Promise<void> {
  await store.acquireLease(holder, 0, 0)
  if ((await store.acquireLease(next, 10_000, 0)) === null) throw new Error('it is still held')
}
