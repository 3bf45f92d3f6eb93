import { randomUUID } from 'node:crypto'
import { describeRedis, type RedisAddress } from './redis-address.ts'
import { readAtOnce, type RedisConnection } from './redis-connection.ts'
import { newerStore } from './store-error.ts'
import type { StoreLog } from './store-log.ts'

/** Version of the layout of all keys; a store of a newer one is refused. */
export const REDIS_SCHEMA_VERSION = 1

/** Throws where a newer serin wrote the store of `place`, by its schema; null = there is no store. */
export function refuseNewer(place: string, schema: string | null): void {
  if (schema === null || Number(schema) <= REDIS_SCHEMA_VERSION) return
  const facts = { found: schema, known: REDIS_SCHEMA_VERSION, name: 'prefix' } as const
  throw newerStore(`in Redis at ${place}`, facts)
}

/**
 * Writes the schema's version and a name of its own into a new store, and says so in the log; resolves with that name.
 * Rejects with a StoreError when a newer serin wrote it. Warns of a server that would drop keys when its memory is full.
 */
export async function openRedisSchema(
  redis: RedisConnection,
  address: RedisAddress,
  log: StoreLog,
): Promise<string> {
  const place = placeOf(address)
  const what = `cannot open the store in Redis at ${place}`
  const key = `${redis.root}schema`
  const isNew = await redis.ask(what, (client) => client.setnx(key, REDIS_SCHEMA_VERSION))
  const schema = await redis.ask(what, (client) => client.get(key))
  refuseNewer(place, schema)
  if (isNew === 1) {
    log.warn(
      { redis: place },
      'the store is empty: no rollout, no decision and no earlier rollback is known',
    )
  }
  // A store of an earlier serin has no name yet.
  const name = `${redis.root}id`
  const [, id] = await readAtOnce<[number, string]>(redis, what, [
    ['setnx', name, randomUUID()],
    ['get', name],
  ])
  const policy = await redis
    .ask(what, (client) => client.info('memory'))
    .then((info) => /^maxmemory_policy:(\S+)/m.exec(info)?.[1])
    // A user who may not ask: then it is not known.
    .catch(() => undefined)
  if (policy !== undefined && policy !== 'noeviction') {
    log.warn(
      { redis: place, maxmemoryPolicy: policy },
      `Redis may drop what serin stores when its memory is full: set maxmemory-policy noeviction, not ${policy}`,
    )
  }
  return id
}

/** Where a store in a Redis is, without its secrets. */
export function placeOf(address: RedisAddress): string {
  return `${describeRedis(address)}, prefix ${address.prefix}`
}
