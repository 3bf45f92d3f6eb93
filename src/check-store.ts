import type { Config } from './config/config.ts'
import { probeLmdb } from './store/probe-lmdb.ts'
import { connectRedis } from './store/redis-connection.ts'

/**
 * Why the store that a configuration names cannot be used from here and now, as a sentence; null where it
 * can. Nothing is left behind, and nothing is read of what is stored.
 */
export async function findStoreProblem({ store }: Config): Promise<string | null> {
  try {
    if (store.engine === 'lmdb') await probeLmdb(store.path)
    else await (await connectRedis(store)).close()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
