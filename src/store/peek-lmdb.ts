import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeEvidence } from './evidence-codec.ts'
import { isKnownSchema } from './lmdb-schema.ts'
import { splitLive } from './live-record.ts'
import { decodeFound, UNKNOWN, type Peek, type Peeked } from './peek.ts'
import { toStoreError } from './store-error.ts'

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
      if (!isKnownSchema(meta.get('schema'))) return asked.map(() => UNKNOWN)
      const states = root.openDB<Buffer, string>('states', { encoding: 'binary' })
      const evidence = root.openDB<Buffer, string>('evidence', { encoding: 'binary' })
      const rollbacks = root.openDB<number>('rollbacks', {})
      return asked.map(({ service, canaryVersion }) => {
        const live = evidence.get(service)
        return {
          state: decodeFound<RolloutState>(states.get(service)),
          evidence: live === undefined ? null : decodeEvidence(splitLive(live).evidence),
          rolledBackAt: rollbacks.get([service, canaryVersion]) ?? null,
        }
      })
    } finally {
      await root.close()
    }
  } catch (error) {
    throw toStoreError(`cannot read the store at ${path}`, error)
  }
}
