import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { RolloutState } from '../domain/rollout-state.ts'
import { SCHEMA_VERSION } from './lmdb-environment.ts'
import { decodeRecord } from './record-codec.ts'
import type { RedisConnection } from './redis-connection.ts'
import { REDIS_SCHEMA_VERSION } from './redis-schema.ts'
import { toStoreError } from './store-error.ts'

/**
 * The rollouts of these services as a store at `path` has them, beside a gateway that may use it: nothing is
 * written. Without a store there, or with one of another version, none. Rejects with a StoreError where it
 * cannot be read.
 */
export async function peekLmdbStates(
  path: string,
  services: readonly string[],
): Promise<readonly RolloutState[]> {
  if (!existsSync(join(path, 'data.mdb'))) return []
  try {
    const root = open({ path, noSubdir: false, readOnly: true, maxDbs: 24 })
    try {
      const meta = root.openDB<unknown, string>('meta', {})
      if (meta.get('schema') !== SCHEMA_VERSION) return []
      const states = root.openDB<Buffer, string>('states', { encoding: 'binary' })
      return services.flatMap((service) => decodeFound(states.get(service)))
    } finally {
      await root.close()
    }
  } catch (error) {
    throw toStoreError(`cannot read the store at ${path}`, error)
  }
}

/** The same of a Redis. */
export async function peekRedisStates(
  redis: RedisConnection,
  services: readonly string[],
): Promise<readonly RolloutState[]> {
  const what = 'cannot read the store in Redis'
  const schema = await redis.ask(what, (client) => client.get(`${redis.root}schema`))
  if (services.length === 0 || schema !== String(REDIS_SCHEMA_VERSION)) return []
  const found = await redis.ask(what, (client) =>
    client.hmgetBuffer(`${redis.root}states`, ...services),
  )
  return found.flatMap((bytes) => decodeFound(bytes))
}

function decodeFound(bytes: Uint8Array | null | undefined): readonly RolloutState[] {
  return bytes === null || bytes === undefined ? [] : [decodeRecord<RolloutState>(bytes)]
}
