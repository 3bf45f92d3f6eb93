import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeFound, UNKNOWN, type Peek, type PeekedStore } from './peek.ts'
import type { RedisAddress } from './redis-address.ts'
import { readAtOnce, type RedisConnection } from './redis-connection.ts'
import { placeOf, refuseNewer } from './redis-schema.ts'

/**
 * What the store in a Redis at `address` knows of these services, in their order: nothing is written. Without a store,
 * nothing. Rejects with a StoreError where it cannot be read, a NewerStoreError where a newer version wrote it.
 */
export async function peekRedis(
  redis: RedisConnection,
  address: RedisAddress,
  asked: readonly Peek[],
): Promise<PeekedStore> {
  const what = 'cannot read the store in Redis'
  const { root } = redis
  const schema = await redis.ask(what, (client) => client.get(`${root}schema`))
  refuseNewer(placeOf(address), schema)
  if (schema === null) return { services: asked.map(() => UNKNOWN), isEarlier: false }
  const services = await Promise.all(
    asked.map(async ({ service, canaryVersion }) => {
      const [state, evidence, rolledBackAt] = await readAtOnce<
        [Buffer | null, Buffer | null, string | null]
      >(redis, what, [
        ['hgetBuffer', `${root}states`, service],
        ['hgetBuffer', `${root}evidence`, service],
        ['hget', `${root}rollbacks:${service}`, canaryVersion],
      ])
      return {
        state: decodeFound<RolloutState>(state),
        evidence: decodeFound<Evidence>(evidence),
        rolledBackAt: rolledBackAt === null ? null : Number(rolledBackAt),
      }
    }),
  )
  return { services, isEarlier: false }
}
