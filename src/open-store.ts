import type { Config } from './config/config.ts'
import type { LmdbStoreOptions } from './store/lmdb-store.ts'
import type { AwaitedStore } from './store/redis-store.ts'

/**
 * Opens the store that the configuration names. A Redis that is not there is waited for; rejects with a
 * StoreError that says why where the store cannot be used.
 */
export async function openStore(
  { store, feedback: { maxBytes, maxPending, retentionMs } }: Config,
  watcher: Pick<LmdbStoreOptions, 'log' | 'onEvicted'>,
): Promise<AwaitedStore> {
  const options = { maxBytes, maxPending, retentionMs, ...watcher }
  // Only the engine that is used is loaded.
  if (store.engine === 'lmdb') {
    const { openLmdbStore } = await import('./store/lmdb-store.ts')
    return { store: await openLmdbStore({ path: store.path, ...options }), absence: null }
  }
  const { awaitRedisStore } = await import('./store/redis-store.ts')
  return awaitRedisStore({ address: store, ...options })
}
