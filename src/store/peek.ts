import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { SCHEMA_VERSION } from './lmdb-environment.ts'
import { decodeRecord } from './record-codec.ts'
import { readAtOnce, type RedisConnection } from './redis-connection.ts'
import { REDIS_SCHEMA_VERSION } from './redis-schema.ts'
import { toStoreError } from './store-error.ts'

/** Of which service a store is asked, and of which version of its canary. */
export type Peek = { readonly service: string; readonly canaryVersion: string }

/** What a store knows of them. */
export type Peeked = {
  readonly state: RolloutState | null
  readonly evidence: Evidence | null
  /** When that version was rolled back last; null = never. */
  readonly rolledBackAt: number | null
}

/**
 * What a store at `path` knows of these services, in their order, beside a gateway that may use it: nothing is
 * written. Without a store there, or with one of another version, nothing. Rejects with a StoreError where it
 * cannot be read.
 */
export async function peekLmdb(path: string, asked: readonly Peek[]): Promise<readonly Peeked[]> {
  if (!existsSync(join(path, 'data.mdb'))) return asked.map(() => UNKNOWN)
  try {
    const root = open({ path, noSubdir: false, readOnly: true, maxDbs: 24 })
    try {
      const meta = root.openDB<unknown, string>('meta', {})
      if (meta.get('schema') !== SCHEMA_VERSION) return asked.map(() => UNKNOWN)
      const states = root.openDB<Buffer, string>('states', { encoding: 'binary' })
      const evidence = root.openDB<Buffer, string>('evidence', { encoding: 'binary' })
      const rollbacks = root.openDB<number>('rollbacks', {})
      return asked.map(({ service, canaryVersion }) => ({
        state: decodeFound<RolloutState>(states.get(service)),
        evidence: decodeFound<Evidence>(evidence.get(service)),
        rolledBackAt: rollbacks.get([service, canaryVersion]) ?? null,
      }))
    } finally {
      await root.close()
    }
  } catch (error) {
    throw toStoreError(`cannot read the store at ${path}`, error)
  }
}

/** The same of a Redis. */
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

const UNKNOWN: Peeked = { state: null, evidence: null, rolledBackAt: null }

function decodeFound<T>(bytes: Uint8Array | null | undefined): T | null {
  return bytes === null || bytes === undefined ? null : decodeRecord<T>(bytes)
}
