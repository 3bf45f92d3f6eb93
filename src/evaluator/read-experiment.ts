import type { Comparison } from '../domain/comparison.ts'
import type { ExperimentRecord } from '../domain/decision.ts'
import { compareVariants } from '../rollout/compare-variants.ts'
import { reconcileExperiment, type ExperimentState } from '../rollout/experiment.ts'
import {
  comparisonKey,
  experimentKey,
  recordedComparison,
  type ExperimentPlan,
} from '../rollout/experiment-plan.ts'
import { attemptOf, tellEnd, type ExperimentTransition } from '../rollout/experiment-record.ts'
import type { RolloutRecord, Store } from '../store/store.ts'

/** What the store has of an experiment, and what the configuration makes of it. */
export type StoredExperiment = {
  /** Null = nothing is stored. */
  readonly stored: ExperimentState | null
  readonly next: ExperimentTransition
  /** By challenger of the plan. */
  readonly records: ReadonlyMap<string, RolloutRecord | null>
}

type Reading = Pick<Store, 'readRollout' | 'attempts' | 'archivedPlan'>

/**
 * Whether the store has an experiment in another state than the `known` one. One that came back with older data may have
 * another winner under the same revision.
 */
export async function isElsewhere(
  store: Pick<Store, 'readRollout'>,
  { service }: ExperimentPlan,
  known: ExperimentState | null,
): Promise<boolean> {
  const record = await store.readRollout(experimentKey(service))
  if (record === null) return false
  const { revision, canaryVersion } = record.state
  return revision !== known?.revision || canaryVersion !== known.canaryVersion
}

/** Reads an experiment; where the configuration ends it, with what it had come to. */
export async function readExperiment(
  store: Reading,
  plan: ExperimentPlan,
  by: { readonly now: number; readonly actor: string },
): Promise<StoredExperiment> {
  const { service, comparisons } = plan
  const stored = (await store.readRollout(experimentKey(service)))?.state ?? null
  const records = new Map<string, RolloutRecord | null>()
  for (const { variant } of comparisons) {
    records.set(variant, await store.readRollout(comparisonKey(service, variant)))
  }
  const transition = reconcileExperiment(plan, stored, by)
  const ends = stored !== null && transition.resetEvidence
  const ended = ends ? await readEnded(store, service, stored, by.now) : null
  return { stored, next: tellEnd(plan, transition, ended, by.actor), records }
}

/** What a stored attempt had come to, by the rules that its cohorts were judged by; null = nothing was judged. */
async function readEnded(
  store: Reading,
  service: string,
  state: ExperimentState,
  now: number,
): Promise<ExperimentRecord | null> {
  const attempt = attemptOf(state)
  if (attempt === null) return null
  const comparisons: Comparison[] = []
  for (const variant of attempt.challengers) {
    const key = comparisonKey(service, variant)
    const record = await store.readRollout(key)
    if (record?.evidence == null || record.state.attempt !== state.attempt) continue
    const archived = (await store.attempts(key)).findLast(isOf(state))
    const plan = archived === undefined ? null : await store.archivedPlan(key, archived.rollout)
    if (plan === null) continue
    // Nothing is drawn for it any more.
    const seen = { now, latency: () => UNSEEN, unitsPerSecond: 0 }
    const comparison = recordedComparison(variant, plan)
    comparisons.push(compareVariants(comparison, record.state, record.evidence, seen))
  }
  if (comparisons.length === 0) return null
  return { id: attempt.id, startedAt: state.startedAt, comparisons }
}

function isOf({ attempt }: ExperimentState) {
  return ({ rollout }: { readonly rollout: string }) => rollout.endsWith(`#${attempt}`)
}

/** Quantiles are those of late, which the process that served them took with it. */
const UNSEEN = { value: null, n: 0 }
