import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeFound, UNKNOWN, type Peek, type Peeked } from './peek.ts'
import { readAtOnce, type RedisConnection } from './redis-connection.ts'
import { REDIS_SCHEMA_VERSION } from './redis-schema.ts'

/**
 * What the store in a Redis knows of these services, in their order: nothing is written. With a store of another
 * version, or without one, nothing. Rejects with a StoreError where it cannot be read.
 */
export async function peekRedis(
  redis: RedisConnection,
  asked: readonly Peek[],
): Promise<readonly Peeked[]> {
  const what = 'cannot read the store in Redis'
  const { root } = redis
  const schema = await redis.ask(what, (client) => client.get(`${root}schema`))
  if (schema !== String(REDIS_SCHEMA_VERSION)) return asked.map(() => UNKNOWN)
  return Promise.all(
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
}
