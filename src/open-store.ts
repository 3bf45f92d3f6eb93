import type { Config } from './config/config.ts'
import { openLmdbStore, type LmdbStoreOptions } from './store/lmdb-store.ts'
import { awaitRedisStore, type AwaitedStore } from './store/redis-store.ts'

/**
 * Opens the store that the configuration names. A Redis that is not there is waited for; rejects with a
 * StoreError that says why where the store cannot be used.
 */
export async function openStore(
  { store, feedback: { maxBytes, maxPending, retentionMs } }: Config,
  watcher: Pick<LmdbStoreOptions, 'log' | 'onEvicted'>,
): Promise<AwaitedStore> {
  const options = { maxBytes, maxPending, retentionMs, ...watcher }
  return store.engine === 'lmdb'
    ? { store: await openLmdbStore({ path: store.path, ...options }), absence: null }
    : awaitRedisStore({ address: store, ...options })
}
