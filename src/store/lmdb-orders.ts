import type { CommandOutcome, Order } from '../domain/order.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import { isLeaseHeld } from './lmdb-lease.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { OrderStore } from './store.ts'

type StoredOrder = { readonly order: Order; readonly expiresAt: number }
type StoredAnswer = { readonly answer: CommandOutcome; readonly expiresAt: number }

/** The part of the store that commands go through to the process that decides. What is over goes when more comes. */
export function buildLmdbOrders(env: LmdbEnvironment): OrderStore {
  const { orders, orderAnswers } = env.tables
  // All are read before the first is removed: a cursor does not survive that.
  const waiting = () =>
    Array.from(orders.getRange({}), ({ key, value }) => ({
      key,
      ...decodeRecord<StoredOrder>(value),
    }))

  return {
    putOrder: (order, ttlMs) =>
      env.write('cannot leave a command', () => {
        const all = waiting()
        for (const { key, expiresAt } of all) {
          if (expiresAt <= order.givenAt) void orders.remove(key)
        }
        const stored: StoredOrder = { order, expiresAt: order.givenAt + ttlMs }
        void orders.put((all.at(-1)?.key ?? 0) + 1, encodeRecord(stored))
      }),
    takeOrders: async (lease, now) => {
      const what = 'cannot take commands'
      // Asked at each look, and mostly there is none.
      if (await env.read(what, () => [...orders.getKeys({ limit: 1 })].length === 0)) return []
      return env.write(what, () => {
        if (!isLeaseHeld(env, lease)) return null
        const all = waiting()
        for (const { key } of all) void orders.remove(key)
        return all.filter(({ expiresAt }) => expiresAt > now).map(({ order }) => order)
      })
    },
    withdrawOrder: (id) =>
      env.write('cannot withdraw a command', () => {
        const found = waiting().find(({ order }) => order.id === id)
        if (found === undefined) return false
        void orders.remove(found.key)
        return true
      }),
    answerOrder: (id, answer, ttlMs, now) =>
      env.write('cannot answer a command', () => {
        for (const { key, value } of [...orderAnswers.getRange({})]) {
          if (decodeRecord<StoredAnswer>(value).expiresAt <= now) void orderAnswers.remove(key)
        }
        const stored: StoredAnswer = { answer, expiresAt: now + ttlMs }
        void orderAnswers.put(id, encodeRecord(stored))
      }),
    readAnswer: (id) =>
      env.read('cannot read the answer to a command', () => {
        const found = orderAnswers.get(id)
        return found === undefined ? null : decodeRecord<StoredAnswer>(found).answer
      }),
  }
}
