import { openLmdbStore } from '../../../src/store/lmdb-store.ts'
import type { RedisAddress } from '../../../src/store/redis-address.ts'
import { openRedisStore } from '../../../src/store/redis-store.ts'
import type { Store } from '../../../src/store/store.ts'

const LIMITS = { retentionMs: 3_600_000, maxPending: 100_000, maxBytes: 64 * 1024 ** 2 }
const SILENT = { info: () => {}, warn: () => {} }

/** Longer than any life, by whatever clock. */
const AGES_MS = 3_600_000

/** How the processes of a life open their store. */
export type StoreEngine = {
  /** All of them have the same one open, as on one machine; else each has one of its own. */
  readonly isOne: boolean
  readonly open: () => Promise<Store>
}

/** An LMDB on disk. */
export function lmdbAt(path: string): StoreEngine {
  return { isOne: true, open: () => openLmdbStore({ path, log: SILENT, ...LIMITS }) }
}

/**
 * A Redis. Its server's clock is not that of a life: leases and orders last for ages by it, and end when their time has
 * passed by the moments that they are asked for at.
 */
export function redisAt(address: RedisAddress): StoreEngine {
  const leasedUntil = new Map<string, number>()
  const orderedUntil = new Map<string, number>()
  const open = async (): Promise<Store> => {
    const inner = await openRedisStore({ address, log: SILENT, ...LIMITS })
    const { acquireLease, leaseHolder, putOrder, releaseLease, takeOrders } = inner
    return {
      ...inner,
      acquireLease: async (holder, ttlMs, now) => {
        leasedUntil.set(holder, now + ttlMs)
        const lease = await acquireLease(holder, AGES_MS, now)
        if (lease !== null) return lease
        const other = await leaseHolder()
        if (other === null || leasedUntil.get(other)! > now) return null
        const ended = await acquireLease(other, AGES_MS, now)
        if (ended !== null) await releaseLease(ended)
        return acquireLease(holder, AGES_MS, now)
      },
      putOrder: async (order, ttlMs) => {
        orderedUntil.set(order.id, order.givenAt + ttlMs)
        await putOrder(order, AGES_MS)
      },
      takeOrders: async (lease, now) => {
        const orders = await takeOrders(lease, now)
        return orders?.filter(({ id }) => orderedUntil.get(id)! > now) ?? null
      },
    }
  }
  return { isOne: false, open }
}
