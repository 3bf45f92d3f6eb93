import type { CommandOutcome, Order } from '../../src/domain/order.ts'
import type { Lease, OrderStore } from '../../src/store/store.ts'
import { copyData } from './copy-data.ts'

/** The part of a store that commands go through, in memory. */
export class MemoryOrders implements OrderStore {
  readonly waiting = new Map<string, { readonly order: Order; readonly expiresAt: number }>()
  readonly answers = new Map<string, CommandOutcome>()
  readonly #holds: (lease: Lease) => boolean

  constructor(holds: (lease: Lease) => boolean) {
    this.#holds = holds
  }

  putOrder: OrderStore['putOrder'] = async (order, ttlMs) => {
    const expiresAt = order.givenAt + ttlMs
    this.waiting.set(order.id, { order: copyData(order), expiresAt })
  }

  takeOrders: OrderStore['takeOrders'] = async (lease, now) => {
    if (!this.#holds(lease)) return null
    const all = [...this.waiting.values()]
    this.waiting.clear()
    return all.filter(({ expiresAt }) => expiresAt > now).map(({ order }) => order)
  }

  withdrawOrder: OrderStore['withdrawOrder'] = async (id) => this.waiting.delete(id)

  answerOrder: OrderStore['answerOrder'] = async (id, answer) => {
    this.answers.set(id, copyData(answer))
  }

  readAnswer: OrderStore['readAnswer'] = async (id) => this.answers.get(id) ?? null
}
