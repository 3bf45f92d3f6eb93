import { randomUUID } from 'node:crypto'
import { ARCHIVE_LIMITS } from './limits.ts'
import type { ArchiveLimits, PredictionLimits } from './limits.ts'
import type { RedisAddress } from './redis-address.ts'
import { buildRedisArchive } from './redis-archive.ts'
import { createRedisChanges } from './redis-changes.ts'
import { connectRedis } from './redis-connection.ts'
import { buildRedisLease } from './redis-lease.ts'
import { buildRedisNotify } from './redis-notify.ts'
import { buildRedisPredictions } from './redis-predictions.ts'
import { buildRedisReplicas } from './redis-replicas.ts'
import { buildRedisRollouts } from './redis-rollouts.ts'
import { openRedisSchema } from './redis-schema.ts'
import { setBackgroundTimer } from './set-timer.ts'
import type { SetTimer } from './set-timer.ts'
import type { StoreLog } from './store-log.ts'
import type { Store } from './store.ts'

export type RedisStoreOptions = PredictionLimits & {
  readonly address: RedisAddress
  readonly log: StoreLog
  /** Drives `watch`; the default does not keep the process alive. */
  readonly setTimer?: SetTimer
  /** What the archive of cohorts may take; the default is for days of a rollout. */
  readonly archive?: ArchiveLimits
  /** So many archived cohorts have made room for newer ones. */
  readonly onEvicted?: (cohorts: number) => void
}

/**
 * The store in a Redis or Valkey, for gateways on several machines. Rejects with a StoreError when it is not
 * there, does not let this user in, or was written by a newer version; says so in the log when the store is
 * new. Afterwards it connects again by itself: while it is away every call rejects, at once or after two
 * seconds. What is committed is as durable as the server makes it.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { address, log, archive = ARCHIVE_LIMITS, setTimer = setBackgroundTimer } = options
  const redis = await connectRedis(address)
  try {
    await openRedisSchema(redis, address, log)
  } catch (error) {
    await redis.close()
    throw error
  }
  const changes = createRedisChanges(redis, randomUUID(), log, setTimer)
  return {
    ...buildRedisRollouts(redis, changes, archive, (cohorts) => options.onEvicted?.(cohorts)),
    ...buildRedisArchive(redis),
    ...buildRedisLease(redis),
    ...buildRedisReplicas(redis),
    ...buildRedisNotify(redis),
    ...buildRedisPredictions(redis, options),
    watch: changes.watch,
    close: async () => {
      changes.close()
      await redis.close()
    },
  }
}
