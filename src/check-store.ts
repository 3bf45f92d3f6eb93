import type { Config } from './config/config.ts'
import type { RolloutState } from './domain/rollout-state.ts'
import { buildPlan } from './rollout/plan.ts'
import { refusalOf } from './rollout/reconcile.ts'
import { peekLmdbStates, peekRedisStates } from './store/peek-states.ts'
import { probeLmdb } from './store/probe-lmdb.ts'
import { connectRedis } from './store/redis-connection.ts'

/**
 * What speaks against a configuration in the store that it names, as sentences: why it cannot be used from
 * here and now, or which services would be refused, since what is stored of them is promoted and not named as
 * the baseline. Nothing is left behind.
 */
export async function findStoreProblems(config: Config): Promise<readonly string[]> {
  let stored: readonly RolloutState[]
  try {
    stored = await readStates(config)
  } catch (error) {
    return [`from here, ${(error as Error).message}`]
  }
  return config.services.flatMap((service) => {
    const plan = buildPlan(service, config.hash)
    const state = stored.find((each) => each.service === service.name)
    if (plan === null || state === undefined) return []
    const refusal = refusalOf(plan, state)
    return refusal === null ? [] : [`a gateway would refuse this file: ${refusal}`]
  })
}

async function readStates({ store, services }: Config): Promise<readonly RolloutState[]> {
  const names = services.map(({ name }) => name)
  if (store.engine === 'lmdb') {
    await probeLmdb(store.path)
    return peekLmdbStates(store.path, names)
  }
  const redis = await connectRedis(store)
  try {
    return await peekRedisStates(redis, names)
  } finally {
    await redis.close()
  }
}
