import type { Config } from './config/config.ts'
import type { Finding } from './config/problem.ts'
import type { Evidence } from './domain/evidence.ts'
import type { RolloutState } from './domain/rollout-state.ts'
import { bpToPercent } from './domain/units.ts'
import { BASELINE } from './domain/variant.ts'
import { formatCount } from './rollout/format.ts'
import { buildPlan, type RolloutPlan } from './rollout/plan.ts'
import { reconcile, whyRefused } from './rollout/reconcile.ts'
import { drawnCanaryUnits } from './rollout/units.ts'
import { peekLmdb, peekRedis, type Peeked } from './store/peek.ts'
import { probeLmdb } from './store/probe-lmdb.ts'
import { connectRedis } from './store/redis-connection.ts'

/** What the store that a configuration names has to say about it. */
export type StoreCheck = {
  /** Why the store cannot be used from here and now, as a sentence; null = it can. */
  readonly unusable: string | null
  /** Why a gateway would refuse the configuration. */
  readonly refusals: readonly Finding[]
  /** What a reload would make of rollouts that run. */
  readonly notes: readonly Finding[]
}

/** Holds a configuration against what its store knows of its services at `now` (ms). Nothing is left behind. */
export async function checkStore(config: Config, now: number): Promise<StoreCheck> {
  const plans = config.services.flatMap((service) => buildPlan(service, config.hash) ?? [])
  try {
    const peeked = await peek(config, plans)
    return {
      unusable: null,
      refusals: plans.flatMap((plan, i) => findRefusal(plan, peeked[i]!)),
      notes: plans.flatMap((plan, i) => findChange(plan, peeked[i]!, now)),
    }
  } catch (error) {
    return { unusable: `from here, ${(error as Error).message}`, refusals: [], notes: [] }
  }
}

async function peek({ store }: Config, plans: readonly RolloutPlan[]): Promise<readonly Peeked[]> {
  if (store.engine === 'lmdb') {
    await probeLmdb(store.path)
    return peekLmdb(store.path, plans)
  }
  const redis = await connectRedis(store)
  try {
    return await peekRedis(redis, plans)
  } finally {
    await redis.close()
  }
}

function findRefusal(plan: RolloutPlan, { state }: Peeked): readonly Finding[] {
  const why = state === null ? null : whyRefused(plan, state)
  if (why === null) return []
  const path = ['services', plan.service, 'variants', BASELINE, 'version']
  return [{ path, message: `a gateway would refuse this file: ${why}` }]
}

function findChange(plan: RolloutPlan, peeked: Peeked, now: number): readonly Finding[] {
  const { state, evidence, rolledBackAt } = peeked
  if (state === null || (state.phase !== 'progressing' && state.phase !== 'paused')) return []
  const rollback = rolledBackAt === null ? null : { at: rolledBackAt, decision: null }
  const past = { rollback, lastAttempt: 0 }
  const next = reconcile(plan, state, { now, past, actor: 'configuration' })
  if ('refused' in next || next.decision === null) return []
  const message = `a reload of this file changes the rollout that runs (${describeAttempt(state, evidence)}): ${next.decision.summary}`
  return [{ path: ['services', plan.service], message, atKey: true }]
}

function describeAttempt(state: RolloutState, evidence: Evidence | null): string {
  const units = evidence === null ? 0 : drawnCanaryUnits(evidence)
  return [
    `${state.canaryVersion} beside ${state.baselineVersion}, attempt ${state.attempt}`,
    `step ${state.step + 1} at ${bpToPercent(state.weightBp)} %`,
    ...(units === 0 ? [] : [`evidence of ${formatCount(units)} canary units`]),
  ].join(', ')
}
