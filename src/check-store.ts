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
import type { Peek, Peeked, PeekedStore } from './store/peek.ts'
import { describeExposure } from './store/store-directory.ts'
import { NewerStoreError } from './store/store-error.ts'

const EARLIER =
  'it was written by an earlier serin, which refuses it once this one has started on it: back it up first'

/** What the store that a configuration names has to say about it. */
export type StoreCheck = {
  /** Why the store cannot be used from here and now, as a sentence; null = it can. */
  readonly unusable: string | null
  /** That others may read it, as a sentence with what to do; null = they may not, or it is not on this disk. */
  readonly exposed: string | null
  /** That no earlier version can use it after this one, as a sentence; null = who has written it can. */
  readonly earlier: string | null
  /** Why a gateway would refuse the configuration. */
  readonly refusals: readonly Finding[]
  /** What a reload would make of rollouts that run. */
  readonly notes: readonly Finding[]
}

/** Holds a configuration against what its store knows of its services at `now` (ms). Nothing is left behind. */
export async function checkStore(config: Config, now: number): Promise<StoreCheck> {
  const asked = config.services.map((service) => {
    const plan = buildPlan(service, config.hash)
    return { service: service.name, canaryVersion: plan?.canaryVersion ?? '', plan }
  })
  try {
    const { services: peeked, isEarlier } = await peek(config, asked)
    const { store } = config
    return {
      unusable: null,
      exposed: store.engine === 'lmdb' ? describeExposure(store.path) : null,
      earlier: isEarlier ? EARLIER : null,
      refusals: asked.flatMap(({ plan }, i) => findRefusal(plan, peeked[i]!)),
      notes: asked.flatMap(({ service, plan }, i) => {
        const message = describeChange(plan, peeked[i]!, now)
        return message === null ? [] : [{ path: ['services', service], message, atKey: true }]
      }),
    }
  } catch (error) {
    const { message } = error as Error
    const nothing = { unusable: null, exposed: null, earlier: null, refusals: [], notes: [] }
    if (!(error instanceof NewerStoreError))
      return { ...nothing, unusable: `from here, ${message}` }
    const refusal = { path: ['store'], message: `a gateway would refuse this file: ${message}` }
    return { ...nothing, refusals: [refusal] }
  }
}

async function peek({ store }: Config, asked: readonly Peek[]): Promise<PeekedStore> {
  // Only the engine that is used is loaded.
  if (store.engine === 'lmdb') {
    const [{ probeLmdb }, { peekLmdb }] = await Promise.all([
      import('./store/probe-lmdb.ts'),
      import('./store/peek-lmdb.ts'),
    ])
    await probeLmdb(store.path)
    return peekLmdb(store.path, asked)
  }
  const [{ connectRedis }, { peekRedis }] = await Promise.all([
    import('./store/redis-connection.ts'),
    import('./store/peek-redis.ts'),
  ])
  const redis = await connectRedis(store)
  try {
    return await peekRedis(redis, store, asked)
  } finally {
    await redis.close()
  }
}

function findRefusal(plan: RolloutPlan | null, { state }: Peeked): readonly Finding[] {
  const why = plan === null || state === null ? null : whyRefused(plan, state)
  if (plan === null || why === null) return []
  const path = ['services', plan.service, 'variants', BASELINE, 'version']
  return [{ path, message: `a gateway would refuse this file: ${why}` }]
}

/** What becomes of a rollout that runs; null = none does, or it goes on. */
function describeChange(plan: RolloutPlan | null, peeked: Peeked, now: number): string | null {
  const { state, evidence, rolledBackAt } = peeked
  if (state === null || (state.phase !== 'progressing' && state.phase !== 'paused')) return null
  const attempt = describeAttempt(state, evidence)
  if (plan === null)
    return `a reload of this file ends the rollout that runs (${attempt}), since it has none for this service`
  const rollback = rolledBackAt === null ? null : { at: rolledBackAt, decision: null }
  const past = { rollback, lastAttempt: 0 }
  const next = reconcile(plan, state, { now, past, actor: 'configuration' })
  if ('refused' in next || next.decision === null) return null
  return `a reload of this file changes the rollout that runs (${attempt}): ${next.decision.summary}`
}

function describeAttempt(state: RolloutState, evidence: Evidence | null): string {
  const units = evidence === null ? 0 : drawnCanaryUnits(evidence)
  return [
    `${state.canaryVersion} beside ${state.baselineVersion}, attempt ${state.attempt}`,
    `step ${state.step + 1} at ${bpToPercent(state.weightBp)} %`,
    ...(units === 0 ? [] : [`evidence of ${formatCount(units)} canary units`]),
  ].join(', ')
}
