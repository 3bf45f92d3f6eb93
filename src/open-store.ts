import type { Config } from './config/config.ts'
import { openLmdbStore } from './store/lmdb-store.ts'
import { openRedisStore } from './store/redis-store.ts'
import type { StoreLog } from './store/store-log.ts'
import type { Store } from './store/store.ts'

/** Opens the store that the configuration names; rejects with a StoreError that says why it cannot be used. */
export function openStore({ store, feedback }: Config, log: StoreLog): Promise<Store> {
  const { maxBytes, maxPending, retentionMs } = feedback
  const options = { maxBytes, maxPending, retentionMs, log }
  return store.engine === 'lmdb'
    ? openLmdbStore({ path: store.path, ...options })
    : openRedisStore({ address: store, ...options })
}
