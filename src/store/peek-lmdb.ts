import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeEvidence } from './evidence-codec.ts'
import { writtenBy } from './lmdb-schema.ts'
import { splitLive } from './live-record.ts'
import { decodeFound, UNKNOWN, type Peek, type PeekedStore } from './peek.ts'
import { toStoreError } from './store-error.ts'

/**
 * What a store at `path` knows of these services, in their order, beside a gateway that may use it: nothing is
 * written. Without a store there, nothing. Rejects with a StoreError where it cannot be read, a NewerStoreError
 * where a newer version wrote it.
 */
export async function peekLmdb(path: string, asked: readonly Peek[]): Promise<PeekedStore> {
  const nothing = { services: asked.map(() => UNKNOWN), isEarlier: false }
  if (!existsSync(join(path, 'data.mdb'))) return nothing
  try {
    const root = open({ path, noSubdir: false, readOnly: true, maxDbs: 24 })
    try {
      const meta = root.openDB<unknown, string>('meta', {})
      const by = writtenBy(path, meta.get('schema'))
      if (by === 'nobody') return nothing
      const states = root.openDB<Buffer, string>('states', { encoding: 'binary' })
      const evidence = root.openDB<Buffer, string>('evidence', { encoding: 'binary' })
      const rollbacks = root.openDB<number>('rollbacks', {})
      const services = asked.map(({ service, canaryVersion }) => {
        const live = evidence.get(service)
        return {
          state: decodeFound<RolloutState>(states.get(service)),
          evidence: live === undefined ? null : decodeEvidence(splitLive(live).evidence),
          rolledBackAt: rollbacks.get([service, canaryVersion]) ?? null,
        }
      })
      return { services, isEarlier: by === 'earlier' }
    } finally {
      await root.close()
    }
  } catch (error) {
    throw toStoreError(`cannot read the store at ${path}`, error)
  }
}
