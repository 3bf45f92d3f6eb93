import type { Config } from './config/config.ts'
import { openLmdbStore, type LmdbStoreOptions } from './store/lmdb-store.ts'
import { openRedisStore } from './store/redis-store.ts'
import type { Store } from './store/store.ts'

/** Opens the store that the configuration names; rejects with a StoreError that says why it cannot be used. */
export function openStore(
  { store, feedback: { maxBytes, maxPending, retentionMs } }: Config,
  watcher: Pick<LmdbStoreOptions, 'log' | 'onEvicted'>,
): Promise<Store> {
  const options = { maxBytes, maxPending, retentionMs, ...watcher }
  return store.engine === 'lmdb'
    ? openLmdbStore({ path: store.path, ...options })
    : openRedisStore({ address: store, ...options })
}
